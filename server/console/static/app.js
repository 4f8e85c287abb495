"use strict";
// The player: a waveform of both sides over the plain audio element, which stays where WaveSurfer is missing.
(function () {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function player(box) {
    const audio = box.parentElement.querySelector("audio");
    if (!window.WaveSurfer || !audio || box.dataset.ready) return;
    box.dataset.ready = "1";
    const side = (name) => ({ waveColor: colour("--line"), progressColor: colour(name) });
    window.WaveSurfer.create({
      container: box, media: audio, url: box.dataset.player, height: 44, barWidth: 2, barGap: 2, barRadius: 2, normalize: true,
      cspNonce: document.body.dataset.nonce, splitChannels: [side("--muted"), side("--accent")],
    });
  }

  function start(root) {
    root.querySelectorAll("[data-player]").forEach(player);
  }

  document.addEventListener("click", (event) => {
    const at = event.target.closest("[data-at]");
    const audio = document.querySelector("audio");
    if (!at || !audio) return;
    audio.currentTime = Number(at.dataset.at) / 1000;
    audio.play();
  });
  document.addEventListener("DOMContentLoaded", () => start(document));
  document.addEventListener("htmx:afterSwap", (event) => start(event.target));
})();
