"""Prompt text is composed in its builders and nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from integrity.owner_map import OwnerMap
from integrity.rules.base import Example, Hit, Rule
from integrity.source import Source
from integrity.syntax import last_name, text_of, words

_PROMPT_WORDS = frozenset({"prompt", "prompts", "instructions", "persona"})
_SPEAKS_TO_A_MODEL = re.compile(
    r"\b(?:you are|you're|your (?:task|job|role|goal) is|act as|as an ai|you (?:must|should|will|answer|speak|help))\b",
    re.IGNORECASE,
)
_OPENS_A_PROMPT = re.compile(r"\s*(?:you are|you're|act as) (?:an? |the |\{\}|[A-Z])", re.IGNORECASE)
_MIN_WORDS = 3


class PromptText(Rule):
    """Reports a string that reads like instructions to a model, outside the modules that own prompts."""

    id = "prompt-outside-builder"
    title = "Prompt text built outside the prompt builders"
    why = (
        "A prompt composed in two places drifts: an inbound call speaks the outbound text, a saved change reaches one "
        "path only, and nobody can say what the model was told."
    )
    remedy = (
        "Ask the builder for the whole prompt and pass it on unchanged; put new wording into a layer of the builder."
    )
    bad = (
        Example('def my_function():\n    prompt = f"You are {business.name}..."'),
        Example(
            "async def summarise(client, text):\n    return await client.responses.create(\n"
            '        model="gpt", instructions="You are a careful note taker.", input=text)'
        ),
        Example('messages = [{"role": "system", "content": f"Answer as {name}, briefly and kindly."}]'),
        Example('def greeting_prompt(name):\n    return textwrap.dedent(f"""You are {name}. Be brief.""")'),
        Example('system_prompt += f" The caller is {name} and likes tea."'),
    )
    good = (
        Example(
            "def my_function():\n"
            "    from server.services.realtime_prompt_builder import build_realtime_system_prompt\n"
            "    prompt = build_realtime_system_prompt(business_id, call_direction)"
        ),
        Example('prompt = f"You are {business.name}..."', module="server.services.realtime_prompt_builder"),
        Example('name = input("Your name, please: ")\nprompt = f"{name}> "'),
        Example('DEFAULT_INSTRUCTIONS = "You are a helpful assistant."', module="engine.session"),
        Example('message = f"You are not allowed to open {page}"'),
    )
    hint = re.compile(r"prompt|instructions|persona|system|content|you are|you're|act as", re.IGNORECASE)

    def check(self, source: Source, owners: OwnerMap) -> Iterator[Hit]:
        facts = owners.about("prompt")
        if not owners.governs(source.module):
            return
        if any(fact.owned_by(source.module) or fact.appended_by(source.module) for fact in facts):
            return
        if not facts and source.module is not None and _PROMPT_WORDS & set(words(source.module.rpartition(".")[2])):
            return
        owned = "; ".join(f"`{fact.key}`: {fact.advice()}" for fact in facts)
        for node, what in _places(source):
            yield Hit(node, f"prompt text is built here, {what}" + (f". {owned}" if owned else ""))


def _places(source: Source) -> Iterator[tuple[ast.AST, str]]:
    for assign in source.all(ast.Assign, ast.AnnAssign, ast.AugAssign):
        targets = assign.targets if isinstance(assign, ast.Assign) else [assign.target]
        for name in map(last_name, targets):
            if assign.value is not None and _is_prompt(name, assign.value, grows=isinstance(assign, ast.AugAssign)):
                yield assign, f"in `{name}`"
    for keyword in source.all(ast.keyword):
        if keyword.arg and _is_prompt(keyword.arg, keyword.value):
            yield keyword.value, f"in the argument `{keyword.arg}`"
    for mapping in source.all(ast.Dict):
        yield from _in_dict(mapping)
    for returned in source.all(ast.Return):
        function = source.function(returned)
        if function is not None and returned.value is not None and _is_prompt(function.name, returned.value):
            yield returned, f"by `{function.name}`"


def _in_dict(mapping: ast.Dict) -> Iterator[tuple[ast.AST, str]]:
    items = {k.value: v for k, v in zip(mapping.keys, mapping.values, strict=True) if isinstance(k, ast.Constant)}
    role, content = items.get("role"), items.get("content")
    if isinstance(role, ast.Constant) and role.value in {"system", "developer"} and content is not None:
        if _long_enough(text_of(content)):
            yield content, f"in a `{role.value}` message"
        return
    for key, value in items.items():
        if isinstance(key, str) and _is_prompt(key, value):
            yield value, f"under the key `{key}`"


def _is_prompt(name: str, value: ast.expr, *, grows: bool = False) -> bool:
    text = text_of(value)
    if text is None or not _long_enough(text) or not _PROMPT_WORDS & set(words(name)[-1:]):
        return False
    if grows:
        return name.lower() not in {"prompt", "prompts"} or bool(_SPEAKS_TO_A_MODEL.search(text))
    return bool(_OPENS_A_PROMPT.match(text)) or bool(_SPEAKS_TO_A_MODEL.search(text))


def _long_enough(text: str | None) -> bool:
    return text is not None and len(text.split()) >= _MIN_WORDS
