// One player: a video over its host's poster, which goes where it is told to.
//
// It may not know the other players, or when to play: players.js gives it the clock. A
// video that cannot be played leaves its poster, and a word that says so.
// @ts-check

/**
 * @typedef {object} Slot
 * @property {HTMLElement} host has the class `playing` while the video covers its poster
 * @property {string} source
 * @property {number} [offset_s] positive: this one is ahead
 * @property {string} [original] what has the sound, where the source is a preview
 * @property {number} [fps]
 * @property {number} [seconds] how long it is, as far as is known before it is loaded
 */

/** Seeks take up to 300 ms while 36 do: none is sent after another before. */
const JUMP_AGAIN_MS = 500;

/** How long a seek takes, before one was seen, and the most that is believed. */
const LATE_S = 0.05;
const LATE_AT_MOST_S = 0.4;

/** Lengths that differ by less are one length: a preview may end a frame off. */
const SAME_LENGTH_S = 0.06;

const UNPLAYABLE = "This video cannot be played here";

/** Nearer is the same frame, even of 120 a second. */
const SAME_FRAME_S = 0.004;

/**
 * @param {Slot} given
 * @param {() => void} changed it has a picture now, or will never have one
 */
function makePlayer(given, changed) {
  const { host } = given;
  /** @type {string | null} the host's, before this player came */
  let label = null;
  const node = el("video", {
    ...{ muted: true, playsInline: true, preload: "auto", tabIndex: -1, "aria-hidden": "true" },
    disableRemotePlayback: true,
  });
  const player = { node, slot: given, isReady: false, isBroken: false };
  let source = "";
  let jumpedAt = -Infinity;
  let late = LATE_S;
  /** @type {number | null} where to go once the seek under way has ended */
  let wanted = null;

  /** @param {string} next */
  function open(next) {
    if (source === next) return;
    source = next;
    player.isReady = false;
    host.classList.remove("playing");
    node.src = next;
  }

  function fail() {
    const { original } = player.slot;
    if (source === player.slot.source && original && original !== source) {
      open(original);
      return;
    }
    player.isBroken = true;
    host.classList.remove("playing");
    node.remove();
    host.append(el("small", { class: "unplayable" }, UNPLAYABLE));
    if (label) host.setAttribute("aria-label", `${label}. ${UNPLAYABLE}`);
    changed();
  }

  /** @param {number} time */
  function seek(time) {
    if (node.seeking) wanted = time;
    else if (Math.abs(node.currentTime - time) > SAME_FRAME_S) node.currentTime = time;
  }

  /** Its length, where it loops by itself as the clock does. @param {Clock} clock */
  function circleOf(clock) {
    const isWhole = Math.abs(node.duration - clock.length) < SAME_LENGTH_S;
    return clock.loops && isWhole && !player.slot.offset_s ? node.duration : 0;
  }

  /** @param {number} position */
  const aimAt = (position) => aimOf(position, player.slot.offset_s ?? 0, node.duration);

  /** @param {number} time */
  function hold(time) {
    if (!node.paused) node.pause();
    seek(time);
  }

  /** @param {number} time @param {number} now */
  function jump(time, now) {
    if (now - jumpedAt < JUMP_AGAIN_MS) return;
    jumpedAt = now;
    node.currentTime = Math.min(time + late * node.playbackRate, node.duration);
  }

  node.addEventListener("loadeddata", () => {
    player.isReady = true;
    host.classList.add("playing");
    changed();
  });
  node.addEventListener("error", fail);
  node.addEventListener("seeked", () => {
    if (wanted != null) node.currentTime = wanted;
    wanted = null;
  });

  return Object.assign(player, {
    /** @param {Slot} next of the same host and source */
    take(next) {
      player.slot = next;
    },
    enter() {
      if (source) return;
      label = host.getAttribute("aria-label");
      host.append(node);
      open(player.slot.source);
    },
    leave() {
      find(".unplayable", HTMLElement, host)?.remove();
      if (label) host.setAttribute("aria-label", label);
      host.classList.remove("playing");
      node.remove();
      node.removeAttribute("src");
      node.load();
    },
    /** @param {boolean} isHeard */
    hear(isHeard) {
      node.muted = !isHeard;
      const { original } = player.slot;
      if (original && !player.isBroken) open(isHeard ? original : player.slot.source);
    },
    /**
     * How far it is ahead of the clock; none while that cannot be said.
     * @param {Clock} clock
     * @param {number} now
     */
    drift(clock, now) {
      if (!player.isReady || node.seeking || node.paused) return undefined;
      const aim = aimAt(positionAt(clock, now));
      return aim.isHeld ? undefined : driftOf(node.currentTime, aim.time, circleOf(clock));
    },
    /**
     * Goes with a clock that runs. The one that leads is not hurried: it is heard.
     * @param {Clock} clock
     * @param {number} now
     * @param {boolean} leads
     */
    follow(clock, now, leads) {
      if (!player.isReady || node.seeking) return;
      const aim = aimAt(positionAt(clock, now));
      const circle = circleOf(clock);
      node.loop = circle > 0;
      if (aim.isHeld) {
        hold(aim.time);
        return;
      }
      const drift = driftOf(node.currentTime, aim.time, circle);
      const mend = mendOf(drift, clock.speed);
      const rate = leads ? clock.speed : mend.rate;
      if (node.playbackRate !== rate) node.playbackRate = rate;
      if (mend.jumps) jump(aim.time, now);
      else if (now - jumpedAt < JUMP_AGAIN_MS) {
        late = Math.min(LATE_AT_MOST_S, Math.max(0, late - drift));
        jumpedAt = -Infinity;
      }
      if (node.paused) node.play().catch(() => {});
    },
    /** @param {number} position of a clock that stands */
    restAt(position) {
      if (player.isReady) hold(aimAt(position).time);
    },
  });
}
