"use strict";
// Keeps pages live without losing the reader's place: parts that a server-sent event brings are merged, not replaced.
(() => {
  const shown = new WeakMap();
  let ahead = 0; // by how much this machine's clock is ahead of the server's, in ms

  const parse = (html) => {
    const sheet = document.createElement("template");
    sheet.innerHTML = html;
    return { content: sheet.content, markup: sheet.innerHTML.trim() };
  };

  // Children with an id that look the same stay as they are, so that focus, selection and open details survive.
  function merge(box, fresh) {
    const focused = [...box.children].find((child) => child.contains(document.activeElement))?.id;
    const kept = new Map([...box.children].filter((child) => child.id).map((child) => [child.id, child]));
    const wanted = [...fresh.children].map((child) => {
      const old = kept.get(child.id);
      return old && shown.get(old) === child.outerHTML ? old : remember(child, !old);
    });
    for (const child of [...box.children]) if (!wanted.includes(child)) child.remove();
    wanted.forEach((child, place) => {
      if (box.children[place] !== child) box.insertBefore(child, box.children[place] ?? null);
    });
    const again = focused && document.getElementById(focused);
    if (again && !again.contains(document.activeElement)) {
      again.querySelector("a, button, summary")?.focus({ preventScroll: true });
    }
  }

  function remember(child, isNew) {
    shown.set(child, child.outerHTML);
    if (isNew) child.classList.add("fresh");
    return child;
  }

  function receive(box, html) {
    const { content, markup } = parse(html);
    if (shown.get(box) === markup) return;
    shown.set(box, markup);
    const follow = "follow" in box.dataset && atEnd();
    if ("keyed" in box.dataset) merge(box, content);
    else box.replaceChildren(content);
    box.dispatchEvent(new CustomEvent("frontdesk:shown", { bubbles: true }));
    if (follow) box.lastElementChild?.scrollIntoView({ block: "end" });
    tick();
  }

  const atEnd = () => innerHeight + scrollY >= document.documentElement.scrollHeight - 160;

  function tick() {
    for (const timer of document.querySelectorAll("[data-since]")) {
      const passed = Math.max(0, Math.floor((Date.now() - ahead - Date.parse(timer.dataset.since)) / 1000));
      timer.textContent = `${Math.floor(passed / 60)}:${String(passed % 60).padStart(2, "0")}`;
    }
  }

  function switchTheme() {
    const dark = getComputedStyle(document.documentElement).colorScheme.trim() === "dark" ||
      (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("frontdesk-theme", document.documentElement.dataset.theme);
    } catch {
      // The choice then lasts as long as the page.
    }
    document.dispatchEvent(new CustomEvent("frontdesk:theme"));
  }

  const offline = (is) => {
    for (const note of document.querySelectorAll("[data-offline]")) note.hidden = !is;
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const box of document.querySelectorAll("[sse-swap]")) {
      shown.set(box, parse(box.innerHTML).markup);
      for (const child of box.children) shown.set(child, child.outerHTML);
    }
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.hidden = false;
      button.addEventListener("click", switchTheme);
    }
    ahead = Date.now() - Date.parse(document.body.dataset.now);
    setInterval(tick, 1000);
    tick();
  });
  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    event.preventDefault();
    receive(event.target, event.detail.data);
  });
  // A stream that the browser opens again by itself is no error; one that was refused is left to htmx to try again.
  if (window.htmx) window.htmx.createEventSource = (url) => {
    const source = new EventSource(url);
    source.addEventListener("open", () => offline(false));
    source.addEventListener("error", (event) => {
      offline(true);
      if (source.readyState === EventSource.CONNECTING) event.stopImmediatePropagation();
    });
    return source;
  };
})();
