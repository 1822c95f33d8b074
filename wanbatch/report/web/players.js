// Players that play in step: each follows one clock, over the poster of its host.
//
// It may not choose what plays, or begin by itself: a view loads slots and calls play().
// While a page is hidden nothing plays.
// @ts-check

/**
 * @typedef {ReturnType<typeof makePlayer>} Player
 * @typedef {object} PlayersState
 * @property {Clock} clock
 * @property {number} position seconds
 * @property {boolean} isStarting it waits for players that load
 * @property {number} sound whose sound is heard, by its place in load(); -1: nobody's
 */

/** So many play at once: Chrome refuses the 1,001st player, two cores tire far before. */
const MAX_PLAYERS = 64;

/** A look at each player so often: measured with 36, they swing at every 100 ms. */
const LOOK_MS = 50;

/** So long play() waits for those that are not loaded; who comes later joins. */
const PATIENCE_MS = 1500;

/** So long after a loop the clock waits for the players. */
const SETTLE_MS = 400;

/** Where no slot says how many frames a second there are, one of these is a step. */
const USUAL_FPS = 24;

/** @param {MediaQueryList} still whose owner asks for less motion stops what plays */
function makePlayers(still) {
  /** @type {Map<HTMLElement, Player>} in the order of the slots */
  let players = new Map();
  /** @type {Clock} */
  let clock = { at: 0, position: 0, speed: 1, isPlaying: false, loops: true, length: 0 };
  /** @type {HTMLElement | null} */
  let heard = null;
  /** @type {((state: PlayersState) => void)[]} */
  const listeners = [];
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let looking;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  let loopedAt = -Infinity;
  let lastPosition = 0;
  let isAway = false;

  const all = () => [...players.values()].filter((player) => !player.isBroken);

  /** @param {Partial<Clock>} change */
  function setClock(change) {
    clock = clockFrom(clock, performance.now(), change);
  }

  function tell() {
    const sound = heard ? [...players.keys()].indexOf(heard) : -1;
    const position = positionAt(clock, performance.now());
    for (const hear of listeners) hear({ clock, position, isStarting: waiting != null, sound });
  }

  // ---- who plays --------------------------------------------------------------------

  /** @param {Slot[]} slots */
  function load(slots) {
    const before = players;
    players = new Map();
    for (const slot of slots.slice(0, MAX_PLAYERS)) {
      const known = before.get(slot.host);
      const isSame = known?.slot.source === slot.source;
      if (known && isSame) {
        known.take(slot);
        before.delete(slot.host);
      }
      players.set(slot.host, known && isSame ? known : makePlayer(slot, onChange));
    }
    for (const player of before.values()) player.leave();
    for (const player of players.values()) player.enter();
    if (heard && !players.has(heard)) heard = null;
    onChange();
  }

  /** A player has a picture now, or none ever, or another is there. */
  function onChange() {
    const lengths = all().map(({ isReady, node, slot }) =>
      isReady ? node.duration : slot.seconds,
    );
    const length = Math.max(0, ...lengths.map((s) => (s && Number.isFinite(s) ? s : 0)));
    if (length && length !== clock.length) setClock({ length });
    if (waiting != null && all().every((player) => player.isReady)) start();
    else if (!clock.isPlaying && waiting == null) restAll();
    tell();
  }

  // ---- running ----------------------------------------------------------------------

  function play() {
    if (clock.isPlaying || waiting != null) return;
    const isOver = positionAt(clock, 0) >= clock.length - 1 / USUAL_FPS;
    if (isOver) setClock({ position: 0 });
    waiting = setTimeout(start, PATIENCE_MS);
    onChange();
  }

  function start() {
    clearTimeout(waiting);
    waiting = undefined;
    setClock({ isPlaying: true });
    loopedAt = performance.now();
    lastPosition = 0;
    clearInterval(looking);
    looking = setInterval(look, LOOK_MS);
    look();
  }

  function look() {
    const now = performance.now();
    const position = positionAt(clock, now);
    if (!clock.loops && position >= clock.length && clock.length) return pause();
    if (position < lastPosition) loopedAt = now;
    lastPosition = position;
    if (now - loopedAt < SETTLE_MS) settle(all(), now);
    const leader = heard && players.get(heard);
    if (leader) settle([leader], now);
    for (const player of all()) player.follow(clock, now, player === leader);
    tell();
  }

  /** @param {Player[]} whom @param {number} now */
  function settle(whom, now) {
    clock = settledClock(
      clock,
      now,
      whom.flatMap((player) => player.drift(clock, now) ?? []),
    );
    lastPosition = positionAt(clock, now);
  }

  function pause() {
    clearTimeout(waiting);
    clearInterval(looking);
    waiting = undefined;
    setClock({ isPlaying: false });
    if (clock.length) setClock({ position: frameAfter(clock.position, 0, rate(), clock.length) });
    restAll();
    tell();
  }

  function restAll() {
    for (const player of all()) player.restAt(clock.position);
  }

  function rate() {
    return Math.max(0, ...all().map((player) => player.slot.fps ?? 0)) || USUAL_FPS;
  }

  /** @param {number} position */
  function seek(position) {
    setClock({ position });
    loopedAt = performance.now();
    lastPosition = clock.position;
    if (clock.isPlaying) look();
    else restAll();
    tell();
  }

  /** @param {number} frames */
  function step(frames) {
    pause();
    seek(frameAfter(clock.position, frames, rate(), clock.length));
  }

  /** @param {number} index */
  function sound(index) {
    heard = [...players.keys()][index] ?? null;
    for (const [host, player] of players) player.hear(host === heard);
    tell();
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      isAway = clock.isPlaying;
      if (isAway) pause();
    } else if (isAway) play();
  });
  still.addEventListener("change", () => still.matches && pause());

  return {
    ...{ load, play, pause, step, seek, sound },
    /** @param {number} times */
    speed(times) {
      setClock({ speed: times });
      tell();
    },
    /** @param {boolean} loops */
    loop(loops) {
      setClock({ loops });
      tell();
    },
    clear() {
      pause();
      heard = null;
      load([]);
      setClock({ position: 0 });
    },
    /** @param {(state: PlayersState) => void} hear */
    onTime(hear) {
      listeners.push(hear);
    },
  };
}
