"use strict";
// Before the first paint: the look that was chosen in this browser; without a choice, the system's.
try {
  const chosen = localStorage.getItem("frontdesk-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is closed to this page: the system's look it is.
}
