/** The processes that benchmarks are made of, by name: floors, and what puts load on a program. Each module calls `serve`. */
const programs: Readonly<Record<string, () => Promise<{ readonly run: () => void }>>> = {
  'backlog-edges': () => import('./backlog-edges.js'),
  'bare-aedes': () => import('./bare-aedes.js'),
  'batch-insert': () => import('./batch-insert.js'),
  'by-hand-floor': () => import('./by-hand-floor.js'),
  'by-hand-load': () => import('./by-hand-load.js'),
  'city-load': () => import('./city-load.js'),
  'crowd-load': () => import('./crowd-load.js'),
  'edge-load': () => import('./edge-load.js'),
  entrance: () => import('./entrance.js'),
  poll: () => import('./poll.js'),
  'request-floor-client': () => import('./request-floor-client.js'),
  'request-floor-server': () => import('./request-floor-server.js'),
  'storing-aedes': () => import('./storing-aedes.js'),
};

export async function runBenchProgram(name: string): Promise<void> {
  const load = programs[name];
  if (load === undefined) throw new Error(`no program ${name}: there are ${Object.keys(programs).join(', ')}`);
  (await load()).run();
}
