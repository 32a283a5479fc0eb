/** What every way to the lines of a chip must do. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { GpioAccess, GpioInputOptions, GpioOutputOptions } from '../../src/adapters/gpio-barrier/access.js';
import { GpioError } from '../../src/adapters/gpio-barrier/gpio-error.js';

/** A chip labelled `pinctrl-bcm2711` with 58 lines, all low, and the world at its lines. */
export interface ChipBench {
  open(): Promise<GpioAccess>;
  /** From outside; edges are told before it returns. */
  drive(bcm: number, high: boolean): void;
  /** So that the kernel tells nobody in time. */
  driveUnseen(bcm: number, high: boolean): void;
  /** Long enough for an edge that was missed to be found. */
  settle(): void;
  isHigh(bcm: number): boolean;
  occupy(bcm: number): void;
  /** Whatever is asked of the line fails with EIO. */
  breakLine(bcm: number): void;
  dispose(): Promise<void>;
}

const input = (bcm: number, more: Partial<GpioInputOptions> = {}): GpioInputOptions => ({
  ...{ what: `inputs.line-${String(bcm)}`, bcm, activeLow: false, bias: 'as-is', debounceMs: 0 },
  ...more,
});
const output = (bcm: number, more: Partial<GpioOutputOptions> = {}): GpioOutputOptions => ({
  ...{ what: `outputs.line-${String(bcm)}`, bcm, activeLow: false, initial: false },
  ...more,
});

export function describeGpioAccess(name: string, makeBench: () => Promise<ChipBench>): void {
  describe(`the lines of a chip: ${name}`, () => {
    let bench: ChipBench;
    let access: GpioAccess;

    beforeEach(async () => {
      bench = await makeBench();
      access = await bench.open();
    });
    afterEach(async () => {
      access.close();
      await bench.dispose();
    });

    const watch = (wanted: readonly GpioInputOptions[]) => {
      const inputs = access.inputs(wanted);
      const told: string[] = [];
      const ages: number[] = [];
      let missed = 0;
      inputs.watch({
        onEdge({ bcm, active, ageMs }) {
          told.push(`${String(bcm)}${active ? '+' : '-'}`);
          ages.push(ageMs);
        },
        onMissed(count) {
          missed += count;
        },
        onProblem(problem, bcms) {
          told.push(`${bcms.join()} ${problem.message}`);
        },
      });
      return { inputs, told, ages, missed: () => missed };
    };
    const problemOf = (act: () => unknown): GpioError => {
      try {
        act();
      } catch (error) {
        if (error instanceof GpioError) return error;
        throw error;
      }
      throw new Error('it went well');
    };

    it('says which chip it is', () => {
      expect(access.chip).toMatchObject({ label: 'pinctrl-bcm2711', lines: 58 });
    });

    it('reads inputs, and those that are active when they are low', () => {
      const inputs = access.inputs([input(17), input(27, { activeLow: true })]);
      expect([inputs.read(17), inputs.read(27)]).toEqual([false, true]);
      bench.drive(17, true);
      bench.drive(27, true);
      expect([inputs.read(17), inputs.read(27)]).toEqual([true, false]);
    });

    it('tells edges in their order, and how long ago they were', () => {
      const { told, ages } = watch([input(17), input(27, { activeLow: true })]);
      bench.drive(17, true);
      bench.drive(27, true);
      bench.drive(17, false);
      bench.drive(27, false);
      expect(told).toEqual(['17+', '27-', '17-', '27+']);
      expect(ages.every((age) => age >= 0 && age < 60_000)).toBe(true);
    });

    it('goes on telling edges after a line was read', () => {
      const { inputs, told } = watch([input(17)]);
      bench.drive(17, true);
      expect(inputs.read(17)).toBe(true);
      bench.drive(17, false);
      expect(told).toEqual(['17+', '17-']);
    });

    it('tells nothing more once its inputs are closed, and gives the lines back', () => {
      const { inputs, told } = watch([input(17)]);
      inputs.close();
      inputs.close();
      bench.drive(17, true);
      bench.settle();
      expect(told).toEqual([]);
      expect(access.inputs([input(17)]).read(17)).toBe(true);
    });

    it.each([
      ['low', { activeLow: false, initial: false }, false],
      ['high', { activeLow: false, initial: true }, true],
      ['high, not active', { activeLow: true, initial: false }, true],
      ['low, active', { activeLow: true, initial: true }, false],
    ])('makes a line an output that is %s from the first moment', (_, options, isHigh) => {
      const line = access.output(output(12, options));
      expect([bench.isHigh(12), line.read()]).toEqual([isHigh, options.initial]);
      line.write(!options.initial);
      expect([bench.isHigh(12), line.read()]).toEqual([!isHigh, !options.initial]);
    });

    it('keeps outputs apart', () => {
      const [open, close] = [access.output(output(12)), access.output(output(16, { initial: true }))];
      open.write(true);
      close.write(false);
      expect([bench.isHigh(12), bench.isHigh(16)]).toEqual([true, false]);
    });

    it('finds an edge that nobody was told of, and says that it was missed', () => {
      const { told, missed } = watch([input(17), input(27)]);
      bench.drive(27, true);
      bench.driveUnseen(17, true);
      bench.settle();
      expect(told[0]).toBe('27+');
      expect(told.filter((edge) => edge.startsWith('17')).at(-1)).toBe('17+');
      expect(told.filter((edge) => edge.startsWith('27')).at(-1)).toBe('27+');
      expect(missed()).toBeGreaterThan(0);
      const before = missed();
      bench.drive(17, false);
      bench.settle();
      expect(told.at(-1)).toBe('17-');
      expect(missed()).toBe(before);
    });

    it('says which line is in use, and takes none of those that were asked for with it', () => {
      bench.occupy(27);
      const wanted = [input(17), input(27), input(22)];
      expect(problemOf(() => access.inputs(wanted)).message).toMatch(
        /^inputs[.]line-27 \(BCM 27\): the line is in use by/,
      );
      expect(problemOf(() => access.output(output(27))).message).toMatch(/^outputs[.]line-27 \(BCM 27\): .* in use by/);
      expect(access.inputs([input(17), input(22)]).read(17)).toBe(false);
    });

    it('says which lines the chip has when it has not the one that is asked for', () => {
      const message = /\(BCM 58\): pinctrl-bcm2711 has lines 0 to 57/;
      expect(problemOf(() => access.inputs([input(17), input(58)])).message).toMatch(message);
      expect(problemOf(() => access.output(output(58))).message).toMatch(message);
      expect(access.inputs([input(17), input(57)]).read(57)).toBe(false);
    });

    it('throws an error that names the line when it cannot be read or written', () => {
      const inputs = access.inputs([input(17)]);
      const line = access.output(output(12));
      bench.breakLine(17);
      bench.breakLine(12);
      expect(problemOf(() => inputs.read(17)).message).toMatch(/^inputs[.]line-17 \(BCM 17\): /);
      expect(problemOf(() => line.read()).message).toMatch(/^outputs[.]line-12 \(BCM 12\): /);
      expect(
        problemOf(() => {
          line.write(true);
        }).message,
      ).toMatch(/^outputs[.]line-12 \(BCM 12\): /);
    });

    it('refuses a question about a line that it was not asked for', () => {
      expect(() => access.inputs([input(17)]).read(22)).toThrow(RangeError);
    });

    it('is opened twice, by the gates of one machine', async () => {
      const other = await bench.open();
      const mine = access.inputs([input(17)]);
      const theirs = other.inputs([input(27)]);
      bench.drive(27, true);
      expect([mine.read(17), theirs.read(27)]).toEqual([false, true]);
      other.close();
      other.close();
      expect(mine.read(17)).toBe(false);
    });
  });
}
