/**
 * The floor under an edge agent, a program of its own: Node.js with the same two libraries, and nothing else. `bare.js OPTIONS`, as JSON:
 * opens a database, connects to a broker, commits one row, asks, and says `{"repliedAtMs":…}` when the first reply is there. Then it
 * commits as many rows as it is to, says `{"committedAtMs":…}` and ends, or has nothing to do until it is ended.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import type mqtt from 'mqtt';
import type sqlite3 from 'sqlite3';

export interface BareOptions {
  readonly directory: string;
  readonly port: number;
  readonly requestTopic: string;
  readonly replyTopic: string;
  readonly request: string;
  /** What one commit keeps. */
  readonly row: { readonly hash: string; readonly json: string };
  /** After the first reply; 0: it stays. */
  readonly commits: number;
  /** MQTT.js makes a buffer of every 16-bit number in advance by default. */
  readonly hasNumberBuffers: boolean;
}

// Not by import, which takes a lexer of another megabyte to find out what they export.
const load = createRequire(import.meta.url);
const { connect } = load('mqtt') as typeof mqtt;
const { Database } = load('sqlite3') as typeof sqlite3;

const collectAfterMs = 1_000;

const options = JSON.parse(process.argv[2] ?? '') as BareOptions;
const { row, requestTopic, replyTopic } = options;
const database = new Database(path.join(options.directory, 'bare.sqlite'));
const say = (what: Readonly<Record<string, number>>): void => {
  process.stdout.write(`${JSON.stringify(what)}\n`);
};
const commit = (done: () => void): void => {
  database.run('INSERT INTO event (hash, json) VALUES (?, ?)', [row.hash, row.json], (error) => {
    if (error !== null) throw error;
    done();
  });
};
const commitAll = (left: number): void => {
  if (left === 0) {
    say({ committedAtMs: Date.now() });
    client.end(true);
    database.close();
  } else {
    commit(() => {
      commitAll(left - 1);
    });
  }
};
database.exec(
  `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
   CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, json TEXT NOT NULL) STRICT;`,
  (error) => {
    if (error !== null) throw error;
    isOpen = true;
    askWhenReady();
  },
);
const client = connect(`mqtt://127.0.0.1:${String(options.port)}`, {
  protocolVersion: 4,
  keepalive: 30,
  writeCache: options.hasNumberBuffers,
});
let isOpen = false;
let isConnected = false;
client.on('connect', () => {
  // MQTT.js leaves the algorithm of Nagle on.
  (client.stream as unknown as { setNoDelay(noDelay: boolean): void }).setNoDelay(true);
  client.subscribe(replyTopic, { qos: 1 }, (error) => {
    if (error !== null) throw error;
    isConnected = true;
    askWhenReady();
  });
});
client.once('message', () => {
  say({ repliedAtMs: Date.now() });
  if (options.commits > 0) commitAll(options.commits);
  // V8 collects an idle process at some time, or not: the floor always has been. Started with --expose-gc.
  else setTimeout(() => globalThis.gc?.(), collectAfterMs);
});

function askWhenReady(): void {
  if (!isOpen || !isConnected) return;
  commit(() => {
    client.publish(requestTopic, options.request, { qos: 1 });
  });
}
