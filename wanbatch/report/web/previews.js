// Videos that play in the cards while the reader points at them. A handful of players
// is shared by all cards, because browsers refuse the thousandth.
//
// It may not play anything with sound, or to a reader who asked for less motion.
// @ts-check

/** Browsers stop decoding at a few dozen; four let the last ones stay warm. */
const PLAYERS = 4;

/**
 * @param {string} base
 * @param {MediaQueryList} still
 */
function makePreviews(base, still) {
  /** @type {HTMLVideoElement[]} the one used last is at the end */
  let players = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  /** @param {string} source */
  function playerFor(source) {
    const spare = () => players.find((player) => player.paused) ?? players[0];
    const node =
      players.find((player) => player.dataset.source === source) ??
      (players.length < PLAYERS ? undefined : spare()) ??
      el("video", {
        muted: true,
        loop: true,
        playsInline: true,
        preload: "auto",
        tabIndex: -1,
        "aria-hidden": "true",
        disableRemotePlayback: true,
      });
    players = [...players.filter((player) => player !== node), node];
    if (node.dataset.source !== source) {
      node.dataset.source = source;
      node.src = source;
    }
    return node;
  }

  /** @param {string} source @param {HTMLElement} stage */
  function play(source, stage) {
    const node = playerFor(source);
    node.parentElement?.classList.remove("playing");
    need(".word", HTMLElement, stage).before(node);
    node.onplaying = () => stage.classList.add("playing");
    node.onerror = () => {
      stage.classList.remove("playing");
      delete node.dataset.source;
    };
    node.play().catch(() => {});
  }

  return {
    /** @type {CardEvents["preview"]} */
    preview(entry, stage, delayMs) {
      clearTimeout(waiting);
      const { output, preview } = entry.job;
      if (!output || still.matches) return;
      const path = preview ?? output.path;
      waiting = setTimeout(() => play(addressOf(base, path), stage), delayMs);
    },
    /** @type {CardEvents["rest"]} */
    rest(stage) {
      clearTimeout(waiting);
      if (stage.matches(":hover") || stage.matches(":focus-visible")) return;
      find("video", HTMLVideoElement, stage)?.pause();
      stage.classList.remove("playing");
    },
  };
}
