// The jobs of the page: what each is called in the address, how its axes read, and the
// text that the filter looks into.
//
// It may not touch the page, or change a job: jobs are what report.json says.
// @ts-check

/**
 * The entries in the page's order, and by key. A job of the manifest is called by its
 * name, a former one (or a second of the same name) by name and fingerprint; a name
 * alone finds the first that has it.
 * @param {Job[]} jobs
 * @param {Job[]} former
 */
function makeEntries(jobs, former) {
  /** @type {Map<string, Entry>} */
  const byKey = new Map();
  /** @type {(job: Job, isFormer: boolean) => Entry} */
  const add = (job, isFormer) => {
    const needsMore = isFormer || byKey.has(job.name);
    const key = needsMore ? `${job.name}@${job.fingerprint.slice(-8)}` : job.name;
    const entry = { job, key, former: isFormer, text: "" };
    byKey.set(key, entry);
    return entry;
  };
  const entries = [...jobs.map((job) => add(job, false)), ...former.map((job) => add(job, true))];
  for (const entry of entries) if (!byKey.has(entry.job.name)) byKey.set(entry.job.name, entry);
  return { entries, byKey };
}

/**
 * Axes as they vary, and the seed, which every job has.
 * @param {Job} job
 * @returns {[string, string | number | boolean | null][]}
 */
function axesOf(job) {
  const seed = job.request.seed;
  const axes = Object.entries(job.axes);
  return "seed" in job.axes || seed == null ? axes : [...axes, ["seed", seed]];
}

/**
 * All that a job can be found by, in lower case, a line each.
 * @param {Job} job
 */
function searchText(job) {
  const { request, error } = job;
  return [
    job.name,
    ...axesOf(job).flatMap(([name, value]) => [value, `${name}=${value}`]),
    ...job.tags.map((tag) => `tag:${tag} ${tag}`),
    job.state,
    request.prompt,
    request.negative_prompt,
    ...request.media.map((medium) => medium.source),
    job.task_id,
    error?.code,
    error?.message,
    job.backend,
  ]
    .filter((part) => part != null)
    .join("\n")
    .toLowerCase();
}
