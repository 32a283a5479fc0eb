/** `healthy.mjs URL`: ends well if the URL answers well. For health checks of containers. */
const response = await fetch(process.argv[2] ?? '', { signal: AbortSignal.timeout(4_000) });
process.exitCode = response.ok ? 0 : 1;
