/** What the aggregator knows by heart besides the sites: edges, keys, vehicles and the credentials in use. */
import type { Credential } from '@gatehouse/shared';
import type { KnownCredential } from '../domain/inputs.js';
import type { VehicleRow } from '../domain/rows.js';
import type { CommandRow, CursorRow, EdgeRow, KeyRow, RetiredEpochRow } from './ports.js';

/** Read access; changes go through `Turn.put`, so that memory and store never differ. */
export interface Directory {
  edge(edgeId: string): EdgeRow | undefined;
  edges(): IterableIterator<EdgeRow>;
  cursor(edgeId: string): CursorRow | undefined;
  retiredEpoch(edgeId: string, epoch: string): RetiredEpochRow | undefined;
  /** The oldest one, when the edge has as many as are kept: it has to go before another comes. */
  surplusRetiredEpoch(edgeId: string): RetiredEpochRow | undefined;
  key(keyId: string): KeyRow | undefined;
  keyByHash(keyHash: string): KeyRow | undefined;
  keys(): IterableIterator<KeyRow>;
  vehicles(): IterableIterator<VehicleRow>;
  vehicle(vehicleId: string): VehicleRow | undefined;
  vehicleByCredential(credentialId: string): VehicleRow | undefined;
  readonly vehicleCount: number;
  /** Only of credentials in memory: of vehicles, open sessions and open arrivals. */
  credential(credentialId: string): KnownCredential | undefined;
  credentialByText(credential: Pick<Credential, 'kind' | 'value'>): KnownCredential | undefined;
  command(commandId: string): CommandRow | undefined;
}
