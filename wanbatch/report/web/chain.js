// The chain that a job stands in: the jobs whose videos it takes, and those that take its
// own.
//
// It may not touch the page, or follow a chain farther than one step.
// @ts-check

/**
 * The job that a medium comes from, and which of its frames, where it is one; nothing for
 * a file or an address.
 * @param {string} source
 */
function upstreamIn(source) {
  const found = /^job:(.+?)(?: \((first|last) frame\))?$/s.exec(source);
  return found ? { name: found[1], frame: found[2] ?? "" } : null;
}

/** @param {Job} job */
function upstreamOf(job) {
  return job.request.media.flatMap(({ source }) => upstreamIn(source)?.name ?? []);
}

/**
 * @param {Job} job
 * @param {Job[]} jobs
 */
function downstreamOf(job, jobs) {
  return jobs.filter((other) => upstreamOf(other).includes(job.name)).map(({ name }) => name);
}
