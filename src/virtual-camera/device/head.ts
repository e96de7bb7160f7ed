import type { Clock } from '../../platform/index.ts';
import type { ViewMotion } from '../picture-view.ts';

/** Where a head looks: pan and tilt from -1 to 1 (right, up), zoom from 0 to 1. */
export interface HeadPosition {
  pan: number;
  tilt: number;
  zoom: number;
}

export type HeadAxis = keyof HeadPosition;
const AXES: readonly HeadAxis[] = ['pan', 'tilt', 'zoom'];

/** At full speed it goes from one end to the other in four seconds. */
const FULL_SPEED: HeadPosition = { pan: 0.5, tilt: 0.5, zoom: 0.25 };
const LEAST: HeadPosition = { pan: -1, tilt: -1, zoom: 0 };
const MOST: HeadPosition = { pan: 1, tilt: 1, zoom: 1 };

/** A head with motors: each axis moves by itself, in straight lines, and stops at its ends. */
export class Head {
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #motions: Record<HeadAxis, ViewMotion>;

  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
    const rest = (): ViewMotion => ({ from: 0, perSecond: 0, startUs: 0, endUs: 0 });
    this.#motions = { pan: rest(), tilt: rest(), zoom: rest() };
  }

  position(): HeadPosition {
    const at = (axis: HeadAxis) => this.#at(axis, this.#clock.nowUs());
    return { pan: at('pan'), tilt: at('tilt'), zoom: at('zoom') };
  }

  isMoving(...axes: HeadAxis[]): boolean {
    const nowUs = this.#clock.nowUs();
    return (axes.length === 0 ? AXES : axes).some((axis) => this.#motions[axis].endUs > nowUs);
  }

  /** How an axis moves now and until it stops. */
  motion(axis: HeadAxis): ViewMotion {
    return this.#motions[axis];
  }

  /** Moves the given axes with these speeds, -1 to 1, for so long or to their ends. */
  move(speed: Partial<HeadPosition>, forMs: number): void {
    const nowUs = this.#clock.nowUs();
    for (const axis of AXES) {
      const wanted = speed[axis];
      if (wanted === undefined) continue;
      const perSecond = Math.max(-1, Math.min(1, wanted)) * FULL_SPEED[axis];
      const from = this.#at(axis, nowUs);
      const end = perSecond > 0 ? MOST[axis] : LEAST[axis];
      const reachUs = perSecond === 0 ? 0 : ((end - from) / perSecond) * 1e6;
      const endUs = nowUs + Math.round(Math.min(reachUs, perSecond === 0 ? 0 : forMs * 1000));
      this.#motions[axis] = { from, perSecond, startUs: nowUs, endUs };
    }
    this.#changed();
  }

  /** Goes to a position, each given axis with a share (0 to 1) of its full speed. */
  goto(position: Partial<HeadPosition>, share: Partial<HeadPosition> = {}): void {
    const nowUs = this.#clock.nowUs();
    for (const axis of AXES) {
      const wanted = position[axis];
      if (wanted === undefined) continue;
      const target = Math.max(LEAST[axis], Math.min(MOST[axis], wanted));
      const from = this.#at(axis, nowUs);
      const speed = FULL_SPEED[axis] * Math.max(0.05, Math.min(1, Math.abs(share[axis] ?? 1)));
      const perSecond = target < from ? -speed : speed;
      const endUs = nowUs + Math.round(((target - from) / perSecond) * 1e6);
      this.#motions[axis] = { from, perSecond, startUs: nowUs, endUs };
    }
    this.#changed();
  }

  stop(...axes: HeadAxis[]): void {
    const nowUs = this.#clock.nowUs();
    for (const axis of axes.length === 0 ? AXES : axes) {
      this.#motions[axis] = { from: this.#at(axis, nowUs), perSecond: 0, startUs: nowUs, endUs: nowUs };
    }
    this.#changed();
  }

  #at(axis: HeadAxis, nowUs: number): number {
    const { from, perSecond, startUs, endUs } = this.#motions[axis];
    const value = from + (perSecond * (Math.max(startUs, Math.min(endUs, nowUs)) - startUs)) / 1e6;
    return Math.max(LEAST[axis], Math.min(MOST[axis], value));
  }
}
