/** Which camera a request comes from, and whether it is that camera. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { BlockList, isIPv6 } from 'node:net';
import { messageOf } from '@gatehouse/shared/edge';
import { ConfigurationError } from '@gatehouse/shared/node';
import type { CameraSettings } from './settings.js';
import type { PostedFormat } from './vocabulary.js';

/** Answered with `status`; the message names the field and the rule. */
export class Refusal extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

export interface Claim {
  readonly cameraId: string;
  /** Undefined: the connection is gone already. */
  readonly remoteAddress: string | undefined;
  readonly authorization: string | undefined;
  /** The last part of the path, where there is one. */
  readonly secretInUrl: string | undefined;
}

/** A camera that does not publish at a broker. */
export type PostingCamera = CameraSettings & { readonly format: PostedFormat };

export type CameraKeeper = (claim: Claim) => PostingCamera;

/**
 * Answers with the camera of a claim, or throws a Refusal.
 * @throws ConfigurationError naming the file of a secret that cannot be used
 */
export async function keepCameras(cameras: readonly CameraSettings[]): Promise<CameraKeeper> {
  const known = new Map<string, KnownCamera>();
  for (const [index, settings] of cameras.entries()) {
    const { cameraId, format, secretFile, address } = settings;
    if (settings.mqtt !== undefined || secretFile === undefined || format === 'frigate') continue;
    const secret = await readSecret(secretFile, `readers.cameras.${String(index)}.secretFile`);
    const posting = { ...settings, format };
    known.set(cameraId, { settings: posting, secretHash: hashOf(secret), address: addressList(address) });
  }
  return (claim) => {
    const camera = known.get(claim.cameraId);
    if (camera === undefined) throw new Refusal(404, 'camera: none of this name is configured');
    check(camera, claim);
    return camera.settings;
  };
}

interface KnownCamera {
  readonly settings: PostingCamera;
  readonly secretHash: Buffer;
  readonly address: BlockList | undefined;
}

function check({ settings, secretHash, address }: KnownCamera, claim: Claim): void {
  if (address !== undefined && !isListed(address, claim.remoteAddress)) {
    throw new Refusal(403, 'address: this camera is heard from its own address only');
  }
  if (claim.secretInUrl !== undefined && !settings.secretInUrl) {
    throw new Refusal(401, 'authorization: this camera carries its secret in the header, as "Bearer SECRET"');
  }
  const [, bearer] = /^Bearer +(\S+)$/i.exec(claim.authorization ?? '') ?? [];
  const shown = claim.secretInUrl ?? bearer;
  // Hashes are of one length and tell nothing by the time that comparing them takes.
  if (shown === undefined || !timingSafeEqual(hashOf(shown), secretHash)) {
    throw new Refusal(401, 'authorization: must be "Bearer SECRET", with the secret of this camera');
  }
}

function isListed(list: BlockList, remoteAddress: string | undefined): boolean {
  return remoteAddress !== undefined && list.check(remoteAddress, isIPv6(remoteAddress) ? 'ipv6' : 'ipv4');
}

function addressList(address: string | undefined): BlockList | undefined {
  if (address === undefined) return undefined;
  const list = new BlockList();
  list.addAddress(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  return list;
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** The secret that a file of this text holds; undefined when that is none. */
export function secretOf(text: string): string | undefined {
  const secret = text.trim();
  return /^[\w-]{16,128}$/.test(secret) ? secret : undefined;
}

export const secretRule = 'must hold 16 to 128 of A-Z, a-z, 0-9, "-", "_"';

async function readSecret(path: string, key: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new ConfigurationError([`${key}: ${messageOf(error)}`]);
  });
  const secret = secretOf(text);
  if (secret === undefined) throw new ConfigurationError([`${key}: ${path} ${secretRule}`]);
  return secret;
}
