/** The reference of metrics as a page, from what the programs tell when they are asked. */

/**
 * @typedef {object} MonitoredProgram
 * @property {string} title
 * @property {string} introduction
 * @property {string} exposition what it serves, in the text format of Prometheus
 * @property {readonly string[]} [commonLabels] labels that all its series have: said once, above the table
 *
 * @typedef {object} Family
 * @property {string} name
 * @property {string} type
 * @property {string} help
 * @property {Map<string, Set<string>>} labels label → its values, in the order they came
 * @property {string[]} buckets upper bounds
 */

/** Labels whose values come from a site, a request or a program: what they are is said once. */
const openLabels = {
  site: 'id of the site',
  zone: 'id of a zone of its layout',
  gate: 'id of a gate of its layout; empty in metrics of faults for a fault of the whole edge',
  edge: 'id of the edge',
  method: 'method of the request; `other` for one that HTTP does not know',
  route:
    'template of the address, as `/api/v1/sites/{siteId}`; `none` for one that is not there, `other` for the pages of the documentation',
  status: 'status of the answer',
  version: 'of the program',
};

/** The page.
 * @param {readonly MonitoredProgram[]} programs
 */
export function metricsReference(programs) {
  return [
    '# Metrics',
    'Made by `npm run generate` from what the programs themselves tell.',
    'Each program serves its own at `/metrics`, in the text format of Prometheus. Units are base units: seconds, bytes, and seconds since 1970 for points in time (`…_timestamp_seconds`). A metric that is one of several words (the position of an arm, the mode of a lane, a fault) has one series a word: 1 for what is so, 0 for the others.',
    '**How many series there are** depends on the layout: on sites, zones, gates and edges, and on fixed words. No plate, session, slot or vehicle is a label, and traffic adds no series, except that requests to the API add theirs by route, method and status. A gate or an edge that is removed or revoked takes its series with it.',
    '**Counters** end in `_total`; the `_count`, `_sum` and `_bucket` of a histogram are counters too. They stand at 0 from the first scrape on, for every fixed word, gate and edge, so that `increase()` sees the first event; those of requests to the API begin with the first request of their kind.',
    '**Over restarts**: `gatehouse_vehicle_entries_total` and `gatehouse_vehicle_exits_total` are kept by the store. They go on where they stood after a restart of the aggregator, and a restored store takes them back to where it stood. All other counters, of both programs, begin at 0 with each start; `rate()` and `increase()` allow for that. The aggregator counts what it has stored: a commit that fails and is tried again counts once, and what was stored in the moment the program was killed is not counted. For sums that have to be right, ask the API.',
    '**One scrape** of the aggregator is of one moment for each site and for each edge by itself: with thousands of them, a page is written in steps between which events are stored and gates are answered, so that those of another site may be a little younger. The buckets, the sum and the count of a histogram always agree. Who asks while a page is being written gets that one.',
    '**Absent** is not 0: a metric of something that is not known, or not there (no review waits, an edge that has not been heard of since the start, no certificate), has no series.',
    'Labels that name something of yours:',
    table(
      ['label', 'value'],
      Object.entries(openLabels).map(([name, meaning]) => [`\`${name}\``, meaning]),
    ),
    ...programs.flatMap(section),
    '## Of each process',
    'Both programs also tell what Node.js and the system say of the process, with the names that every Prometheus client uses: `process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_start_time_seconds`, `process_open_fds`, `nodejs_eventloop_lag_seconds` and its quantiles, `nodejs_heap_size_used_bytes`, `nodejs_gc_duration_seconds`, `nodejs_active_resources` by type, `nodejs_version_info`, and the like. They depend on the version of Node.js and on the system.',
    '',
  ].join('\n\n');
}

/** @param {MonitoredProgram} program */
function section({ title, introduction, exposition, commonLabels = [] }) {
  const families = parseFamilies(exposition);
  const histograms = families.filter(({ buckets }) => buckets.length > 0);
  return [
    `## ${title}`,
    introduction,
    table(
      ['name', 'type', 'labels', 'meaning'],
      families.map((family) => [
        `\`${family.name}\``,
        family.type,
        labelsText(family, commonLabels),
        family.help.replaceAll('|', '\\|'),
      ]),
    ),
    'Bounds of the buckets:',
    table(
      ['histogram', 'up to'],
      histograms.map(({ name, buckets }) => [`\`${name}\``, buckets.join(', ')]),
    ),
  ];
}

/** @param {Family} family @param {readonly string[]} commonLabels */
function labelsText({ labels }, commonLabels) {
  return [...labels]
    .filter(([name]) => !commonLabels.includes(name))
    .map(([name, values]) => (name in openLabels ? `\`${name}\`` : `\`${name}\`: ${[...values].join(', ')}`))
    .join('; ');
}

/** By name.
 * @param {string} exposition
 */
function parseFamilies(exposition) {
  /** @type {Family[]} */
  const families = [];
  for (const line of exposition.split('\n')) {
    const [, about, name = '', text = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    const last = families.at(-1);
    if (about === 'HELP') families.push({ name, type: '', help: text, labels: new Map(), buckets: [] });
    else if (about === 'TYPE' && last !== undefined) last.type = text;
    else if (last !== undefined) addSeries(last, line);
  }
  return families.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @param {Family} family @param {string} line */
function addSeries({ labels, buckets }, line) {
  for (const [, name = '', value = ''] of line.matchAll(/(\w+)="([^"]*)"/g)) {
    if (name === 'le') {
      if (value !== '+Inf' && !buckets.includes(value)) buckets.push(value);
    } else {
      labels.set(name, (labels.get(name) ?? new Set()).add(value));
    }
  }
}

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
function table(head, rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
