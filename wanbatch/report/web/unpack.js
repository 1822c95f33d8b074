// The jobs as report.json has them, from the lists that formats/packing.py made: a number
// whose bits say which fields a record has, then these; the others are as usual.
//
// It may not touch the page, or know what a field means: the data says how it is packed.
// @ts-check

/** @typedef {(number | string | boolean | null | Packed | Packed[])[]} Packed */
/** @typedef {[name: string, kind: string, of: string, like: string, usual: unknown]} PackedField */

/**
 * @param {{jobs: Packed[], former: Packed[], shapes: Record<string, PackedField[]>, words: string[]}} data
 * @returns {{jobs: Job[], former: Job[]}}
 */
function unpackJobs({ jobs, former, shapes, words }) {
  /** @type {(shape: string, packed: any, around?: Record<string, unknown>) => any} */
  const unpack = (shape, packed, around) => {
    /** @type {Record<string, unknown>} */
    const record = {};
    const bits = packed[0];
    let at = 1;
    shapes[shape].forEach(([name, kind, of, like, usual], place) => {
      if ((bits >> place) & 1) record[name] = unpackValue(kind, of, packed[at++], record);
      else if (like && around) record[name] = around[like];
      else record[name] = kind === "records" || name === "tags" ? [] : usual;
    });
    return record;
  };
  /** @type {(kind: string, of: string, value: any, around: Record<string, unknown>) => unknown} */
  const unpackValue = (kind, of, value, around) => {
    if (value == null || kind === "plain") return value;
    if (kind === "word") return words[value];
    if (kind === "record") return unpack(of, value);
    return value.map((/** @type {any} */ one) => unpack(of, one, around));
  };
  /** @type {(packed: Packed) => Job} */
  const jobOf = (packed) => {
    const job = unpack("job", packed);
    job.axes ??= {};
    for (const check of job.checks) check.message ??= "";
    return job;
  };
  return { jobs: jobs.map(jobOf), former: former.map(jobOf) };
}
