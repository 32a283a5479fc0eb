/** What a build on this machine takes from it: the base's name, the package mirrors, npm's configuration. */

/** @typedef {{ image: string, nodeVersion: string, suite: string }} Base */

/** @param {string} dockerfile @returns {Base} the base that it names, an official Node.js image on a Debian release */
export function baseOf(dockerfile) {
  const image = /^ARG NODE_IMAGE=(\S+)$/m.exec(dockerfile)?.[1] ?? '';
  const tag = /:(\d+[.]\d+[.]\d+)-([a-z]+)-slim$/.exec(image);
  if (tag === null) throw new Error(`the Dockerfile names no Node.js image on a slim Debian: ${image}`);
  return { image, nodeVersion: tag[1] ?? '', suite: tag[2] ?? '' };
}

/** @param {string} targets lines of `apt-get indextargets`: address, release, component
 * @param {string} suite
 * @returns {{ mirror: string, sources: string }} where Debian comes from on this machine, and the same as a sources.list
 */
export function mirrorsOf(targets, suite) {
  const lines = targets.split('\n').flatMap((line) => {
    const [address, release, component] = line.trim().split(/\s+/);
    const isOurs = component === 'main' && (release === suite || release?.startsWith(`${suite}-`) === true);
    return isOurs && address !== undefined ? [{ address: address.replace(/[/]$/, ''), release }] : [];
  });
  const mirror = lines.find(({ release }) => release === suite)?.address;
  if (mirror === undefined) throw new Error(`apt knows no mirror of Debian ${suite} here`);
  const sources = new Set(lines.map(({ address, release }) => `deb ${address} ${String(release)} main`));
  return { mirror, sources: `${[...sources].join('\n')}\n` };
}

/** One .npmrc out of this machine's, for a build that has neither its files nor its paths.
 * @param {readonly string[]} files contents, the stronger last
 * @param {string} registry
 * @param {string} authorities PEM certificates, may be empty
 */
export function npmrcOf(files, registry, authorities) {
  const ofThisMachine = /^\s*(cafile|ca\[?\]?|nodedir|prefix|cache|globalconfig|userconfig|registry|script-shell)\s*=/;
  const lines = files.flatMap((text) => text.split('\n')).filter((line) => !ofThisMachine.test(line));
  const certificates = authorities.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  const trusted = certificates.map((certificate) => `ca[]="${certificate.replaceAll(/\r?\n/g, '\\n')}"`);
  return `${[...lines, `registry=${registry}`, ...trusted].filter((line) => line.trim() !== '').join('\n')}\n`;
}
