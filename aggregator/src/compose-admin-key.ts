/** The first admin key: set by the configuration, or drawn at the first start and written to a file that only its owner can read. */
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError, sha256, systemRandom } from '@gatehouse/shared/node';
import type { Aggregator } from './app/aggregator.js';
import { bootstrapKeyId, hasAdmin, setBootstrapKey } from './app/operations/keys.js';

export type AdminKeySource =
  | { readonly from: 'configuration' }
  | { readonly from: 'file'; readonly file: string; readonly isNew: boolean }
  /** Somebody can administer; the key that was written once is not there any more. */
  | { readonly from: 'elsewhere' };

const keyBytes = 32;

/** Makes sure that somebody can administer. Rejects with a ConfigurationError when the file cannot be written. */
export async function ensureAdminKey(
  aggregator: Aggregator,
  dataDir: string,
  configured: string | null,
): Promise<AdminKeySource> {
  if (configured !== null) {
    await aggregator.committer.execute((turn) => {
      setBootstrapKey(turn, sha256(configured));
    });
    return { from: 'configuration' };
  }
  const file = join(dataDir, 'admin-key');
  if (hasAdmin(aggregator.directory)) {
    return (await isCurrent(aggregator, file)) ? { from: 'file', file, isNew: false } : { from: 'elsewhere' };
  }
  const key = systemRandom.hex(keyBytes);
  // The file comes first: a key that is stored and nowhere written would lock everybody out.
  await writeSecret(file, `${key}\n`);
  await aggregator.committer.execute((turn) => {
    setBootstrapKey(turn, sha256(key));
  });
  return { from: 'file', file, isNew: true };
}

async function isCurrent({ directory }: Aggregator, file: string): Promise<boolean> {
  try {
    const key = (await readFile(file, 'utf8')).trim();
    const row = directory.key(bootstrapKeyId);
    return row?.revokedAtMs === null && row.keyHash === sha256(key);
  } catch {
    // The file may be gone, or be somebody else's: then it is not where the key is.
    return false;
  }
}

async function writeSecret(file: string, text: string): Promise<void> {
  const draft = `${file}.new`;
  try {
    const handle = await open(draft, 'w', 0o600);
    try {
      await handle.chmod(0o600);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    throw new ConfigurationError([
      `dataDir: ${file} cannot be written (${error instanceof Error ? error.message : 'unknown'})`,
    ]);
  }
}
