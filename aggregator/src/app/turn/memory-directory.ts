/** The directory in memory: filled from the store, changed only by turns. */
import type { Credential } from '@gatehouse/shared';
import type { KnownCredential } from '../../domain/inputs.js';
import type { CredentialRow, VehicleRow } from '../../domain/rows.js';
import type { Directory } from '../directory.js';
import type { ChangeSet, CommandRow, CursorRow, EdgeRow, KeyRow, RetiredEpochRow, StoredState } from '../ports.js';

export interface MemoryDirectory extends Directory {
  /** Forgets everything and takes what the store holds. */
  reload(stored: StoredState): void;
  /** Follows one changed row; tables that are not kept in memory are ignored. */
  follow<T extends keyof ChangeSet>(table: T, row: ChangeSet[T][number]): void;
  /** Remembers a credential that was read from the store. */
  remember(row: CredentialRow): void;
  hasMoreCredentialsThan(count: number): boolean;
  /** Forgets credentials beyond `maxIdle` that neither a vehicle nor `isReferred` needs; oldest first. */
  forgetIdleCredentials(maxIdle: number, isReferred: (credentialId: string) => boolean): void;
}

export interface DirectoryBounds {
  readonly maxRetiredEpochs: number;
  readonly maxCommands: number;
}

export function credentialKey(credential: Pick<Credential, 'kind' | 'value'>): string {
  return `${credential.kind}:${credential.value}`;
}

export function createMemoryDirectory(bounds: DirectoryBounds): MemoryDirectory {
  const edges = new Map<string, EdgeRow>();
  const cursors = new Map<string, CursorRow>();
  const retired = new Map<string, Map<string, RetiredEpochRow>>();
  const keys = new Map<string, KeyRow>();
  const keyIdByHash = new Map<string, string>();
  const vehicles = new Map<string, VehicleRow>();
  const vehicleIdByCredential = new Map<string, string>();
  const credentials = new Map<string, KnownCredential>();
  /** By kind, then by text: a key of both would have to be made for each question. */
  const credentialIdByText = new Map<string, Map<string, string>>();
  const commands = new Map<string, CommandRow>();

  const everything = [
    edges,
    cursors,
    retired,
    keys,
    keyIdByHash,
    vehicles,
    vehicleIdByCredential,
    credentials,
    credentialIdByText,
    commands,
  ];

  const remember = (row: KnownCredential): void => {
    credentials.set(row.credentialId, { credentialId: row.credentialId, kind: row.kind, value: row.value });
    const ofKind = credentialIdByText.get(row.kind) ?? new Map<string, string>();
    credentialIdByText.set(row.kind, ofKind);
    ofKind.set(row.value, row.credentialId);
  };

  const forget = (credentialId: string): void => {
    const known = credentials.get(credentialId);
    if (known === undefined) return;
    credentials.delete(credentialId);
    credentialIdByText.get(known.kind)?.delete(known.value);
  };

  const removeVehicle = (vehicleId: string): void => {
    const vehicle = vehicles.get(vehicleId);
    if (vehicle === undefined) return;
    vehicles.delete(vehicleId);
    vehicleIdByCredential.delete(vehicle.credentialId);
  };

  const putVehicle = (row: VehicleRow): void => {
    removeVehicle(row.vehicleId);
    vehicles.set(row.vehicleId, row);
    vehicleIdByCredential.set(row.credentialId, row.vehicleId);
  };

  const putKey = (row: KeyRow): void => {
    const before = keys.get(row.keyId);
    if (before !== undefined) keyIdByHash.delete(before.keyHash);
    keys.set(row.keyId, row);
    keyIdByHash.set(row.keyHash, row.keyId);
  };

  const putRetired = (row: RetiredEpochRow): void => {
    const ofEdge = retired.get(row.edgeId) ?? new Map<string, RetiredEpochRow>();
    retired.set(row.edgeId, ofEdge);
    ofEdge.delete(row.epoch);
    ofEdge.set(row.epoch, row);
    dropOldest(ofEdge, bounds.maxRetiredEpochs);
  };

  const putCommand = (row: CommandRow): void => {
    commands.delete(row.commandId);
    if (row.state === 'sent') commands.set(row.commandId, row);
    dropOldest(commands, bounds.maxCommands);
  };

  const followers: { [T in keyof ChangeSet]?: (row: ChangeSet[T][number]) => void } = {
    edges: (row) => edges.set(row.edgeId, row),
    cursors: (row) => cursors.set(row.edgeId, row),
    retiredEpochs: putRetired,
    keys: putKey,
    vehicles: putVehicle,
    removedVehicles: removeVehicle,
    credentials: remember,
    erasedCredentials: forget,
    removedRetiredEpochs: ({ edgeId, epoch }) => retired.get(edgeId)?.delete(epoch),
    commands: putCommand,
  };

  return {
    reload(stored) {
      for (const map of everything) map.clear();
      for (const row of stored.edges) edges.set(row.edgeId, row);
      for (const row of stored.cursors) cursors.set(row.edgeId, row);
      for (const row of [...stored.retiredEpochs].sort((a, b) => a.retiredAtMs - b.retiredAtMs)) putRetired(row);
      for (const row of stored.keys) putKey(row);
      for (const row of stored.vehicles) putVehicle(row);
      for (const row of stored.credentials) remember(row);
      for (const row of [...stored.commands].sort((a, b) => a.createdAtMs - b.createdAtMs)) putCommand(row);
    },
    follow(table, row) {
      followers[table]?.(row);
    },
    remember,
    hasMoreCredentialsThan: (count) => credentials.size > count,
    forgetIdleCredentials(maxIdle, isReferred) {
      const isIdle = (id: string): boolean => !vehicleIdByCredential.has(id) && !isReferred(id);
      const idle = [...credentials.keys()].filter(isIdle);
      for (const id of idle.slice(0, Math.max(0, idle.length - maxIdle))) forget(id);
    },

    edge: (edgeId) => edges.get(edgeId),
    edges: () => edges.values(),
    cursor: (edgeId) => cursors.get(edgeId),
    retiredEpoch: (edgeId, epoch) => retired.get(edgeId)?.get(epoch),
    surplusRetiredEpoch(edgeId) {
      const ofEdge = retired.get(edgeId);
      if (ofEdge === undefined || ofEdge.size < bounds.maxRetiredEpochs) return undefined;
      return ofEdge.values().next().value;
    },
    key: (keyId) => keys.get(keyId),
    keyByHash(keyHash) {
      const keyId = keyIdByHash.get(keyHash);
      return keyId === undefined ? undefined : keys.get(keyId);
    },
    keys: () => keys.values(),
    vehicles: () => vehicles.values(),
    vehicle: (vehicleId) => vehicles.get(vehicleId),
    vehicleByCredential(credentialId) {
      const vehicleId = vehicleIdByCredential.get(credentialId);
      return vehicleId === undefined ? undefined : vehicles.get(vehicleId);
    },
    get vehicleCount() {
      return vehicles.size;
    },
    credential: (credentialId) => credentials.get(credentialId),
    credentialByText(credential) {
      const credentialId = credentialIdByText.get(credential.kind)?.get(credential.value);
      return credentialId === undefined ? undefined : credentials.get(credentialId);
    },
    command: (commandId) => commands.get(commandId),
  };
}

/** Maps keep the order of insertion. */
function dropOldest(map: Map<string, unknown>, maxSize: number): void {
  for (const key of map.keys()) {
    if (map.size <= maxSize) return;
    map.delete(key);
  }
}
