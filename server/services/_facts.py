"""A business's hours and facts as text: what both prompt builders share."""

from __future__ import annotations

from typing import Any

from server.models_sql import Business

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def business_lines(business: Business) -> list[str]:
    """`# Business`, `# Opening hours` and `# Facts`, in the words an agent may use."""
    lines = ["# Business", f"Name: {business.name}", f"Timezone: {business.timezone}", f"Language: {business.language}"]
    hours = business.hours or {}
    if hours:
        lines += ["", "# Opening hours"]
        lines += [f"{day.capitalize()}: {hours.get(day) or 'closed'}" for day in DAYS]
    if business.services:
        lines += ["", "# Services"]
        lines += [f"- {_service(service)}" for service in business.services]
    if business.facts:
        lines += ["", "# Facts"]
        lines += [f"- {fact}" for fact in business.facts]
    return lines


def _service(service: dict[str, Any]) -> str:
    price = f" and costs {service['price']}" if service.get("price") else ""
    return f"{service['name']} takes {service['minutes']} minutes{price}."
