/** The last step of every read, however it came: from what a camera said to what its lane is told. */
import type { Clock } from '@gatehouse/shared/edge';
import type { CredentialRead } from '../../app/ports.js';
import type { Mapped, Reading } from './reading.js';
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
  return (camera, mapped) => {
    const { cameraId, gateId, direction } = camera;
    const ignored = 'ignored' in mapped ? mapped.ignored : whyNot(mapped.reading, camera);
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

function whyNot({ moving, hasLeft }: Reading, camera: CameraSettings): string | undefined {
  // It would be taken for a read of the next vehicle, unless this one is only about to come to the gate.
  if (hasLeft === true && !camera.looksAhead) return 'the vehicle has left the picture';
  // A camera that does not know yet how the vehicle moves is believed.
  if (moving === undefined || camera.moving === undefined || moving === camera.moving) return undefined;
  return 'the vehicle moves the other way';
}
