/**
 * `register.mjs URL ADMIN_KEY_FILE DIRECTORY [EDGE …]`: creates the site of site.json and registers its edges, and leaves the one-time
 * code of each edge that has not enrolled yet, and of each EDGE that is named, in DIRECTORY/EDGE.code.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @typedef {{ enrolmentCode?: string, enrolledAt?: string | null }} Answer */

const [url = '', keyFile = '', directory = '', ...renewed] = process.argv.slice(2);
const key = readFileSync(keyFile, 'utf8').trim();
const site = /** @type {{ siteId: string, gates: { edgeId: string }[] }} */ (
  JSON.parse(readFileSync(join(import.meta.dirname, 'site.json'), 'utf8'))
);

await call('PUT', `/api/v1/sites/${site.siteId}`, site);
for (const edgeId of new Set(site.gates.map((gate) => gate.edgeId))) {
  const code = await codeFor(edgeId);
  if (code === undefined) {
    process.stdout.write(`${edgeId} is enrolled\n`);
    continue;
  }
  const path = join(directory, `${edgeId}.code`);
  // Whole or not at all: the edge may be waiting for it.
  writeFileSync(`${path}.new`, `${code}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  process.stdout.write(`${edgeId} finds its code in ${path}\n`);
}

/** @param {string} edgeId @returns {Promise<string | undefined>} undefined when the edge needs none */
async function codeFor(edgeId) {
  const registered = await call('POST', '/api/v1/edges', { edgeId, siteId: site.siteId, name: edgeId }, 409);
  if (registered !== null) return registered.enrolmentCode;
  const known = await call('GET', `/api/v1/edges/${edgeId}`);
  if (known?.enrolledAt !== null && !renewed.includes(edgeId)) return undefined;
  const reason = renewed.includes(edgeId) ? 'asked for with the register service' : 'the first code was not redeemed';
  return (await call('POST', `/api/v1/edges/${edgeId}/enrolment-code`, { reason }))?.enrolmentCode;
}

/** Answers null for `tolerated`; ends the program on any other refusal.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {number} [tolerated]
 * @returns {Promise<Answer | null>}
 */
async function call(method, path, body, tolerated) {
  const response = await fetch(new URL(path, url), {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  if (response.ok) return /** @type {Answer} */ (await response.json());
  if (response.status === tolerated) return null;
  throw new Error(`${method} ${path}: ${String(response.status)} ${await response.text()}`);
}
