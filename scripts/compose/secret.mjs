/** `secret.mjs FILE`: writes a password of 192 random bits to FILE, once. The volume that holds it is given to its one reader only. */
import { randomBytes } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';

const file = process.argv[2] ?? '';
if (!existsSync(file)) {
  // Whole or not at all. The reader runs as another user.
  writeFileSync(`${file}.new`, randomBytes(24).toString('base64url'), { mode: 0o444 });
  renameSync(`${file}.new`, file);
}
