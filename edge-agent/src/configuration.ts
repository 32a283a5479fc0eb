/** The configuration of an edge agent's process: one YAML or JSON file, `GATEHOUSE_EDGE_…` variables over it. */
import { wireLimits } from '@gatehouse/shared/edge';
import type { Direction, GateDirection, ScaledTime } from '@gatehouse/shared/edge';
import { ConfigurationError, loadConfiguration, logLevels } from '@gatehouse/shared/node';
import { z } from 'zod';
import { gpioBarrierSettingsSchema, gpioDrivers } from './adapters/gpio-barrier/settings.js';
import { wiringProblems } from './adapters/gpio-barrier/wiring.js';
import { recordingSettingsSchema } from './adapters/input-recording/settings.js';
import { brokerSettingsSchema } from './adapters/mqtt-link/settings.js';
import { plateReadersSettingsSchema } from './adapters/plate-readers/settings.js';
import { simulatedLaneSettingsSchema } from './adapters/simulated-barrier/settings.js';
import { edgeSettingsSchema, gateSettingsSchema } from './app/settings.js';
import type { EdgeSettings } from './app/settings.js';
import { httpSettingsSchema } from './http/settings.js';

const filePath = z.string().min(1).max(1_000);

/** Which hardware a gate has. */
const barrierSchema = z.discriminatedUnion('driver', [
  z.strictObject({ driver: z.literal('simulated'), settings: simulatedLaneSettingsSchema.prefault({}) }),
  z.strictObject({
    driver: z
      .enum(gpioDrivers)
      .describe(
        'gpio chooses: sysfs (onoff) where the kernel has it and no input sets a bias, else the character device.',
      ),
    settings: gpioBarrierSettingsSchema,
  }),
]);

const gateSchema = gateSettingsSchema.extend({ barrier: barrierSchema });

const enrolmentSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, error: 'must be http://HOST:PORT or https://HOST' })
    .describe('The aggregator’s HTTP address.'),
  codeFile: filePath.describe('File that holds the one-time code; read at the first start, and waited for.'),
  allowPlaintext: z.boolean().default(false).describe('Lets the new credential travel unencrypted to another machine.'),
});

const simulationSchema = z.strictObject({
  clock: z
    .strictObject({
      simulatedBaseMs: z.number().min(0).describe('Simulated time, ms since the Unix epoch, at realBaseMs.'),
      realBaseMs: z.number().min(0),
      factor: z.number().positive().max(100_000).describe('Simulated milliseconds in a real one.'),
    })
    .optional()
    .describe('Runs the lanes on a scaled clock; the protocol stays on the real one.'),
  control: z
    .strictObject({
      port: z.int().min(0).max(65_535).default(0).describe('On 127.0.0.1; 0 lets the system choose.'),
      tokenFile: filePath.optional().describe('File with a token that requests must carry.'),
    })
    .prefault({}),
  log: z
    .strictObject({
      path: filePath,
      maxFileBytes: z
        .int()
        .min(4_096)
        .max(2 ** 40)
        .default(64 * 1024 * 1024),
      keptFiles: z.int().min(0).max(100).default(3),
    })
    .optional()
    .describe('JSON lines of what physically happened.'),
});

export const edgeConfigurationSchema = z
  .strictObject({
    siteId: edgeSettingsSchema.shape.siteId,
    edgeId: edgeSettingsSchema.shape.edgeId,
    dataDir: filePath.default('data/edge').describe('Outbox and credential; relative to the working directory.'),
    gates: z.array(gateSchema).min(1).max(wireLimits.maxGatesPerEdge),
    broker: brokerSettingsSchema.prefault({}),
    enrolment: enrolmentSchema.optional(),
    http: httpSettingsSchema.prefault({}),
    protocol: edgeSettingsSchema.shape.protocol,
    outbox: edgeSettingsSchema.shape.outbox,
    policies: edgeSettingsSchema.shape.policies,
    restart: edgeSettingsSchema.shape.restart,
    readers: plateReadersSettingsSchema.optional().describe('Plate and tag readers.'),
    recording: recordingSettingsSchema
      .optional()
      .describe(
        'Records what happens to the lanes, for a replay. Credentials are replaced by aliases. Off when it is not set.',
      ),
    simulation: simulationSchema.optional(),
    log: z
      .strictObject({
        level: z.enum(logLevels).default('info'),
        format: z.enum(['auto', 'pretty', 'json']).default('auto'),
      })
      .prefault({}),
  })
  .superRefine((configuration, context) => {
    const gateIds = configuration.gates.map((gate) => gate.gateId);
    const twice = gateIds.findIndex((gateId, index) => gateIds.indexOf(gateId) !== index);
    if (twice >= 0) context.addIssue({ code: 'custom', path: ['gates', twice, 'gateId'], message: 'is named twice' });
    const cameraIds = configuration.readers?.cameras.map(({ cameraId }) => cameraId) ?? [];
    for (const [index, { cameraId, gateId, direction }] of configuration.readers?.cameras.entries() ?? []) {
      const issue = (key: string, message: string) => {
        context.addIssue({ code: 'custom', path: ['readers', 'cameras', index, key], message });
      };
      if (cameraIds.indexOf(cameraId) !== index) issue('cameraId', 'is named twice');
      const gate = configuration.gates.find((one) => one.gateId === gateId);
      if (gate === undefined) issue('gateId', `this edge has no gate ${gateId}`);
      else {
        if (!gate.hasReader) issue('gateId', `gate ${gateId} waits for no read: set its hasReader`);
        const problem = directionProblem(gate, direction);
        if (problem !== undefined) issue('direction', problem);
      }
    }
    for (const { path, message } of wiringProblems(configuration.gates)) {
      context.addIssue({ code: 'custom', path: ['gates', ...path], message });
    }
    const simulated = configuration.gates.some((gate) => gate.barrier.driver === 'simulated');
    if (configuration.simulation !== undefined && !simulated) {
      context.addIssue({ code: 'custom', path: ['simulation'], message: 'no gate is simulated' });
    }
    const real = configuration.gates.some((gate) => gate.barrier.driver !== 'simulated');
    if (configuration.simulation?.clock !== undefined && real) {
      context.addIssue({ code: 'custom', path: ['simulation', 'clock'], message: 'a real barrier cannot run on it' });
    }
  });

/** Why a camera that sees vehicles of this direction cannot be this gate's. */
function directionProblem(
  gate: { readonly gateId: string; readonly direction: GateDirection },
  direction: Direction | undefined,
): string | undefined {
  if (gate.direction !== 'both') {
    if (direction === undefined || direction === gate.direction) return undefined;
    return `gate ${gate.gateId} is for ${gate.direction} alone`;
  }
  if (direction !== undefined) return undefined;
  return `has to be set, entry or exit: gate ${gate.gateId} is for both, and a read of one must not serve the other`;
}

export type EdgeConfiguration = z.output<typeof edgeConfigurationSchema>;
export type EdgeConfigurationInput = z.input<typeof edgeConfigurationSchema>;
export type GateConfiguration = EdgeConfiguration['gates'][number];

/** Environment variables and the keys they set. */
export const edgeVariables: Readonly<Record<string, string>> = {
  GATEHOUSE_EDGE_SITE_ID: 'siteId',
  GATEHOUSE_EDGE_ID: 'edgeId',
  GATEHOUSE_EDGE_DATA_DIR: 'dataDir',
  GATEHOUSE_EDGE_BROKER_URL: 'broker.url',
  GATEHOUSE_EDGE_BROKER_ALLOW_PLAINTEXT: 'broker.allowPlaintext',
  GATEHOUSE_EDGE_BROKER_CA_FILE: 'broker.tls.caFile',
  GATEHOUSE_EDGE_ENROLMENT_URL: 'enrolment.url',
  GATEHOUSE_EDGE_ENROLMENT_CODE_FILE: 'enrolment.codeFile',
  GATEHOUSE_EDGE_HTTP_HOST: 'http.host',
  GATEHOUSE_EDGE_HTTP_PORT: 'http.port',
  GATEHOUSE_EDGE_HTTP_ALLOW_PLAINTEXT: 'http.allowPlaintext',
  GATEHOUSE_EDGE_CONTROL_PORT: 'simulation.control.port',
  GATEHOUSE_EDGE_LOG_LEVEL: 'log.level',
  GATEHOUSE_EDGE_LOG_FORMAT: 'log.format',
};

/** @throws ConfigurationError naming every offending key or variable. */
export function loadEdgeConfiguration(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): EdgeConfiguration {
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith('GATEHOUSE_EDGE_') && !Object.hasOwn(edgeVariables, name),
  );
  if (unknown.length > 0) {
    throw new ConfigurationError(unknown.map((name) => `${name}: is not a variable of the edge agent`));
  }
  return loadConfiguration(edgeConfigurationSchema, { file, environment, variables: edgeVariables });
}

/** The part of the configuration that the agent itself lives by. */
export function edgeSettingsOf(configuration: EdgeConfiguration): EdgeSettings {
  const { siteId, edgeId, protocol, outbox, policies, restart } = configuration;
  const gates = configuration.gates.map(({ gateId, direction, hasReader, lane }) => ({
    gateId,
    direction,
    hasReader,
    lane,
  }));
  return { siteId, edgeId, gates, protocol, outbox, policies, restart };
}

export function scaledTimeOf(configuration: EdgeConfiguration): ScaledTime | undefined {
  return configuration.simulation?.clock;
}
