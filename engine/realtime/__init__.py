"""The realtime protocol (GA shape) over WebSocket: sessions, conversation items, turns and responses."""
