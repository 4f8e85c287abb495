"""One phone stream's machinery: its wire format, the bridge to the model, and what tells echo from speech."""
