/** The last step of every read, however it came: from what a camera said to what its lane is told. */
import type { Clock } from '@gatehouse/shared';
import type { CredentialRead } from '../../app/ports.js';
import type { Mapped } from './reading.js';
import type { CameraSettings } from './settings.js';
import type { ReaderTally } from './tally.js';

export type Delivery = (
  camera: CameraSettings,
  mapped: Mapped,
) => { readonly reads: number; readonly ignored?: string };

export function createDelivery(
  onRead: (read: CredentialRead) => void,
  { tally, clock }: { readonly tally: ReaderTally; readonly clock: Clock },
): Delivery {
  return ({ cameraId, gateId, direction, moving }, mapped) => {
    const ignored = 'ignored' in mapped ? mapped.ignored : otherWay(mapped.reading.moving, moving);
    if (ignored !== undefined || !('reading' in mapped)) {
      tally.ignored(cameraId);
      return { reads: 0, ignored: ignored ?? '' };
    }
    const { kind, value, confidence, trackId } = mapped.reading;
    tally.read(cameraId);
    onRead({
      gateId,
      credential: { kind, value, confidence, source: cameraId },
      // Of the camera's own time nothing is used: its clock may be wrong, and a lane weighs reads against its loops on one clock.
      monoMs: clock.monoMs(),
      direction,
      trackId: trackId === undefined ? undefined : `${cameraId}/${trackId}`,
    });
    return { reads: 1 };
  };
}

/** A camera that does not know yet how the vehicle moves is believed. */
function otherWay(seen: string | undefined, wanted: string | undefined): string | undefined {
  if (seen === undefined || wanted === undefined || seen === wanted) return undefined;
  return 'the vehicle moves the other way';
}
