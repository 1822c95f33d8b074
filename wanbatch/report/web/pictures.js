// Still pictures of a job: a frame cut from its film strip, the whole strip, and what it
// was given.
//
// It may not play anything, or show a picture that lies elsewhere than beside the page.
// @ts-check

/** The frames of a film strip, side by side. */
const STRIP_FRAMES = ["First", "Quarter", "Half-way", "Three-quarter", "Last"];

/**
 * One frame of a job's film strip.
 * @param {Job} job
 * @param {number} place among STRIP_FRAMES
 * @param {string} label
 * @param {Data} data
 */
function frameOf(job, place, label, data) {
  const { width, height } = job.output ?? { width: 16, height: 9 };
  const picture = el("img", { class: "frame", alt: label, loading: "lazy" });
  picture.src = addressOf(data.base, job.frames ?? "");
  picture.style.setProperty("aspect-ratio", `${width} / ${height}`);
  picture.style.setProperty("object-position", `${(100 * place) / (STRIP_FRAMES.length - 1)}% 0`);
  picture.addEventListener("error", () => picture.remove());
  return picture;
}

/**
 * A small copy of the picture that was given, or the frame of another job's video; none
 * where there is none.
 * @param {Media} medium
 * @param {Data} data
 */
function pictureOf({ source, sha256 }, data) {
  const upstream = upstreamIn(source);
  const job = upstream && data.jobs.find(({ name }) => name === upstream.name);
  if (job?.frames) {
    const place = upstream?.frame === "first" ? 0 : STRIP_FRAMES.length - 1;
    return frameOf(job, place, `Given: ${shown(source)}`, data);
  }
  const found = sha256 && Object.hasOwn(data.thumbnails, sha256) ? data.thumbnails[sha256] : null;
  if (!found) return null;
  const picture = el("img", { class: "given", alt: `Given: ${shown(source)}`, loading: "lazy" });
  picture.src = addressOf(data.base, found);
  picture.addEventListener("error", () => picture.remove());
  return picture;
}
