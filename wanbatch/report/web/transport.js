// The bar that drives players in step: play, frame by frame, scrub, speed, loop.
//
// It may not know what plays: it tells the players what the reader did, and shows where
// they are.
// @ts-check

const SPEEDS = [0.25, 0.5, 1, 1.5, 2];

/**
 * @typedef {object} TransportEvents
 * @property {() => void} toggle play, or pause
 * @property {(frames: number) => void} step
 * @property {(position: number) => void} seek
 * @property {(speed: number) => void} speed
 * @property {(loops: boolean) => void} loop
 */

/** @param {string} label @param {string} path @param {string} keys @param {() => void} act */
function iconButton(label, path, keys, act) {
  const icon = svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" });
  icon.append(svg("path", { d: path }));
  const button = el("button", { type: "button", "aria-label": label, title: label }, icon);
  button.setAttribute("aria-keyshortcuts", keys);
  button.addEventListener("click", act);
  return button;
}

/**
 * @param {[value: string, text: string][]} choices
 * @param {string} label
 * @param {(value: string) => void} chosen
 */
function labelledSelect(choices, label, chosen) {
  const select = el("select", { "aria-label": shown(label) });
  for (const [value, text] of choices) select.append(el("option", { value }, shown(text)));
  select.addEventListener("change", () => chosen(select.value));
  return { node: el("label", { class: "choice" }, el("span", null, shown(label)), select), select };
}

const PLAY_PATH = "M4.5 2.8v10.4L13 8z";
const PAUSE_PATH = "M5 3v10M11 3v10";

/** @param {TransportEvents} events */
function makeTransport(events) {
  const play = iconButton("Play all in view", PLAY_PATH, "Space", events.toggle);
  const back = iconButton("One frame back", "M10.5 3.5 6 8l4.5 4.5M3.5 3.5v9", ",", () =>
    events.step(-1),
  );
  const on = iconButton("One frame on", "M5.5 3.5 10 8l-4.5 4.5M12.5 3.5v9", ".", () =>
    events.step(1),
  );
  const loop = iconButton(
    "Loop",
    "M3 9V7a2 2 0 0 1 2-2h7M10 2.5 12.5 5 10 7.5M13 7v2a2 2 0 0 1-2 2H4M6 8.5 3.5 11 6 13.5",
    "l",
    () => events.loop(loop.getAttribute("aria-pressed") !== "true"),
  );
  const place = el("input", {
    ...{ type: "range", min: "0", max: "1", step: "0.001", value: "0", "aria-label": "Place" },
  });
  const time = el("output", { class: "clock" });
  const speeds = SPEEDS.map(
    (speed) => /** @type {[string, string]} */ ([String(speed), `${speed}×`]),
  );
  const speed = labelledSelect(speeds, "Speed", (value) => events.speed(Number(value)));
  const node = el(
    "div",
    { class: "transport", role: "group", "aria-label": "Playing in step" },
    ...[back, play, on, place, time, speed.node, loop],
  );
  place.addEventListener("input", () => events.seek(Number(place.value)));

  return {
    node,
    /** Shows itself for what would play. @param {number} seconds none: nothing can */
    expect(seconds) {
      node.hidden = !seconds;
      place.max = String(seconds);
    },
    /** @param {PlayersState} state */
    show({ clock, position, isStarting }) {
      const runs = clock.isPlaying || isStarting;
      const label = runs ? "Pause" : "Play all in view";
      if (play.title !== label) {
        play.title = label;
        play.setAttribute("aria-label", label);
        need("path", SVGPathElement, play).setAttribute("d", runs ? PAUSE_PATH : PLAY_PATH);
      }
      node.classList.toggle("waiting", isStarting);
      if (clock.length) place.max = String(clock.length);
      place.value = String(position);
      time.textContent = `${position.toFixed(2)} s`;
      speed.select.value = String(clock.speed);
      loop.setAttribute("aria-pressed", String(clock.loops));
      // What the players follow, for whoever measures them (benchmarks/report_playback.py).
      node.dataset.clock = JSON.stringify(clock);
    },
  };
}
