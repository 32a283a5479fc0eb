/** A typed client of the local control. */
import type { ControlEventPage, ControlGate, VehicleStatus } from './control-contract.js';
import type { SimulatedFault, VehicleOrderInput } from './settings.js';

/** The control refused or could not be reached; `status` is undefined when there was no answer. */
export class SimulationControlError extends Error {
  override readonly name = 'SimulationControlError';
  readonly status: number | undefined;

  constructor(message: string, status: number | undefined, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export interface SimulationControlClient {
  gates(): Promise<readonly ControlGate[]>;
  /** Answers the vehicle's id at once; what becomes of it is in `vehicle` and `events`. */
  sendVehicle(gateId: string, order: VehicleOrderInput): Promise<string>;
  vehicle(vehicleId: string): Promise<VehicleStatus>;
  /** Ends after the cursor (0: all that is remembered); waits up to `waitMs`, at most 30 s, when there are none. */
  events(after: number, waitMs: number): Promise<ControlEventPage>;
  setFault(gateId: string, fault: SimulatedFault, active: boolean): Promise<void>;
  /** Of one gate, or of all. */
  setPower(on: boolean, gateId?: string): Promise<void>;
}

const answerTimeoutMs = 10_000;

/** @param url as the agent's banner gives it, e.g. `http://127.0.0.1:8701` */
export function createSimulationControlClient(url: string, token?: string): SimulationControlClient {
  const ask = async (method: 'GET' | 'POST', path: string, body?: unknown, waitMs = 0): Promise<unknown> => {
    let response: Response;
    try {
      response = await fetch(new URL(path, url), {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(answerTimeoutMs + waitMs),
      });
    } catch (error) {
      throw new SimulationControlError(`no simulated barrier answers at ${url}`, undefined, { cause: error });
    }
    const answer: unknown = await response.json();
    if (response.ok) return answer;
    const message = (answer as { readonly error?: unknown }).error;
    throw new SimulationControlError(typeof message === 'string' ? message : response.statusText, response.status);
  };
  const gatePath = (gateId: string, what: string): string => `/gates/${encodeURIComponent(gateId)}/${what}`;

  return {
    gates: async () => ((await ask('GET', '/gates')) as { readonly gates: readonly ControlGate[] }).gates,
    sendVehicle: async (gateId, order) => {
      const answer = await ask('POST', gatePath(gateId, 'vehicles'), order);
      return (answer as { readonly vehicleId: string }).vehicleId;
    },
    vehicle: async (vehicleId) => (await ask('GET', `/vehicles/${encodeURIComponent(vehicleId)}`)) as VehicleStatus,
    events: async (after, waitMs) =>
      (await ask(
        'GET',
        `/events?after=${String(after)}&waitMs=${String(waitMs)}`,
        undefined,
        waitMs,
      )) as ControlEventPage,
    setFault: async (gateId, fault, active) => {
      await ask('POST', gatePath(gateId, 'faults'), { fault, active });
    },
    setPower: async (on, gateId) => {
      await ask('POST', '/power', gateId === undefined ? { on } : { on, gateId });
    },
  };
}
