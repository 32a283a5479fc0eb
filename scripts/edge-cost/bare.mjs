/**
 * `bare.mjs DIRECTORY`: the floor under an edge agent: Node.js with the same two libraries, an open database and a connection to the
 * broker, and nothing to do. Says `ready` when it is connected, ends at SIGTERM.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from '../lib/project.mjs';

const fromEdge = createRequire(join(root, 'edge-agent', 'package.json'));
const sqlite3 = fromEdge('sqlite3');
const mqtt = fromEdge('mqtt');

const directory = process.argv[2] ?? '.';
const { mqttUrl, username, password } = JSON.parse(readFileSync(join(directory, 'credential.json'), 'utf8'));
const database = new sqlite3.Database(join(directory, 'bare.sqlite'));
database.exec('PRAGMA journal_mode = WAL; CREATE TABLE thing (id INTEGER PRIMARY KEY)');
const client = mqtt.connect(mqttUrl, { username, password, clientId: username, protocolVersion: 4, keepalive: 30 });
client.on('connect', () => {
  process.stdout.write('ready\n');
});
client.on('error', (/** @type {Error} */ error) => {
  process.stderr.write(`${error.message}\n`);
});
process.on('SIGTERM', () => {
  process.exit();
});
