/**
 * `register.mjs URL ADMIN_KEY_FILE DIRECTORY`: creates the site of site.json, registers its edge, and leaves the edge's one-time
 * code in DIRECTORY/enrolment-code. Does nothing more once the edge has its credential there.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [url = '', keyFile = '', directory = ''] = process.argv.slice(2);
const key = readFileSync(keyFile, 'utf8').trim();
const site = /** @type {{ siteId: string, gates: { edgeId: string }[] }} */ (
  JSON.parse(readFileSync(join(import.meta.dirname, 'site.json'), 'utf8'))
);
const edgeId = site.gates[0]?.edgeId ?? '';

if (!existsSync(join(directory, 'credential.json'))) {
  await call('PUT', `/api/v1/sites/${site.siteId}`, site);
  const registered = await call('POST', '/api/v1/edges', { edgeId, siteId: site.siteId, name: edgeId }, 409);
  const { enrolmentCode } =
    registered ??
    (await call('POST', `/api/v1/edges/${edgeId}/enrolment-code`, { reason: 'the first code was lost' })) ??
    {};
  writeFileSync(join(directory, 'enrolment-code'), `${String(enrolmentCode)}\n`, { mode: 0o600 });
}

/** Answers null for `tolerated`; ends the program on any other refusal.
 * @param {string} method
 * @param {string} path
 * @param {unknown} body
 * @param {number} [tolerated]
 * @returns {Promise<{ enrolmentCode?: string } | null>}
 */
async function call(method, path, body, tolerated) {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  if (response.ok) return /** @type {{ enrolmentCode?: string }} */ (await response.json());
  if (response.status === tolerated) return null;
  throw new Error(`${method} ${path}: ${String(response.status)} ${await response.text()}`);
}
