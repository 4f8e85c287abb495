"use strict";
// The recording: a waveform per speaker over the plain audio element, which stays in view where this can't run.
(() => {
  const ready = new WeakSet();
  const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
  const paint = () => ["--wave-caller", "--wave-agent"].map((name) => ({
    waveColor: resolve(`${name}-rest`), progressColor: resolve(name), cursorColor: resolve("--ink"),
  }));

  // A canvas knows no light-dark(): let the browser say what the colour is here and now.
  function resolve(name) {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }

  // The first to ask has the recording fetched from the phone company; that can take a moment.
  async function outline(call, tries = 10) {
    const answer = await fetch(`${call}/waveform`);
    if (answer.ok) return answer.json();
    if (answer.status !== 409 || tries === 0) return null;
    await new Promise((go) => setTimeout(go, 2000));
    return outline(call, tries - 1);
  }

  async function equip(card) {
    if (ready.has(card) || !window.WaveSurfer) return;
    ready.add(card);
    const audio = card.querySelector("audio");
    const drawn = await outline(card.dataset.player);
    if (!drawn) return;
    audio.preload = "metadata";
    card.querySelector(".deck").hidden = card.querySelector(".deck-foot").hidden = false;
    audio.hidden = true;
    card.classList.toggle("mono", drawn.channels.length < 2);
    const wave = window.WaveSurfer.create({
      container: card.querySelector("[data-wave]"), media: audio, peaks: drawn.channels, duration: drawn.duration_s,
      height: 40, barWidth: 2, barGap: 1.5, barRadius: 2, barMinHeight: 1, cursorWidth: 1, normalize: true,
      dragToSeek: true, cspNonce: document.body.dataset.nonce, splitChannels: paint(), ...paint()[0],
    });
    controls(card, audio, drawn.duration_s);
    document.addEventListener("frontdesk:theme", () => wave.setOptions({ splitChannels: paint(), ...paint()[0] }));
  }

  function controls(card, audio, duration) {
    const play = card.querySelector("[data-play]");
    const seek = card.querySelector("[data-seek]");
    const time = card.querySelector("[data-time]");
    const speed = card.querySelector("[data-speed]");
    const rates = [1, 1.25, 1.5, 2];
    const show = () => {
      time.textContent = `${clock(audio.currentTime)} / ${clock(duration)}`;
      seek.value = String(duration ? Math.round((audio.currentTime / duration) * 1000) : 0);
      seek.setAttribute("aria-valuetext", time.textContent);
      mark(audio.paused ? -1 : audio.currentTime * 1000);
    };
    play.addEventListener("click", () => (audio.paused ? audio.play() : audio.pause()));
    seek.addEventListener("input", () => (audio.currentTime = (Number(seek.value) / 1000) * duration));
    speed.addEventListener("click", () => {
      audio.playbackRate = rates[(rates.indexOf(audio.playbackRate) + 1) % rates.length];
      speed.textContent = `${audio.playbackRate}×`;
    });
    for (const name of ["play", "pause", "timeupdate", "seeked", "ended"]) audio.addEventListener(name, show);
    for (const name of ["play", "pause"]) {
      audio.addEventListener(name, () => {
        play.setAttribute("aria-pressed", String(!audio.paused));
        play.setAttribute("aria-label", audio.paused ? "Play" : "Pause");
      });
    }
    show();
  }

  // The turn that is being played.
  function mark(at) {
    const turns = [...document.querySelectorAll(".turn[data-at]")];
    const current = at < 0 ? undefined : turns.filter((turn) => Number(turn.dataset.at) <= at).pop();
    for (const turn of turns) turn.classList.toggle("playing", turn === current);
  }

  const start = () => document.querySelectorAll("[data-player]").forEach(equip);
  document.addEventListener("click", (event) => {
    const from = event.target.closest("[data-jump]");
    const audio = document.querySelector("audio");
    if (!from || !audio) return;
    audio.currentTime = Number(from.dataset.jump) / 1000;
    audio.play();
  });
  document.addEventListener("DOMContentLoaded", start);
  document.addEventListener("frontdesk:shown", start);
})();
