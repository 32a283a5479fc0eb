/**
 * `install.mjs`: installs in the working directory, from package-lock.json, what it takes to compile the programs. Runs no script of
 * a package. Runs inside the build stage of the Dockerfile, on a copy of the manifests.
 */
import { execFileSync } from 'node:child_process';
import { leaveOutDevelopment } from './manifests.mjs';

leaveOutDevelopment(process.cwd(), (name) => name === 'typescript' || name.startsWith('@types/'));
execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'], {
  stdio: 'inherit',
});
