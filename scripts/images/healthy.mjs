/** `healthy.mjs [URL]`: ends well if the URL, or else that of the variable HEALTH_URL, answers well. For health checks of containers. */
const response = await fetch(process.argv[2] ?? process.env['HEALTH_URL'] ?? '', {
  signal: AbortSignal.timeout(4_000),
});
process.exitCode = response.ok ? 0 : 1;
