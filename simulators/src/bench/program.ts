/** A process of the benchmarks: `program.js NAME`. Loads only what the program of that name needs. */
import { runBenchProgram } from './programs/index.js';

await runBenchProgram(process.argv[2] ?? '');
