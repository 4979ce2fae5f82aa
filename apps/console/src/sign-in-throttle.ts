import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";

const WINDOW_SECONDS = 15 * 60;
/** Wrong passwords for one name, from wherever: a password of twelve characters stands these for longer than we live. */
const NAME_TRIES_MAX = 10;
/** From one address, for whatever names. Each costs this machine a scrypt. */
const ADDRESS_TRIES_MAX = 30;

/**
 * Slows down guessing. In memory: there is one console, and who can make it start again needs no password. Whoever keeps
 * a name busy with wrong passwords keeps its owner out of the browser for so long; the command line goes on.
 */
export class SignInThrottle {
  readonly #byName = new RateLimiterMemory({ points: NAME_TRIES_MAX, duration: WINDOW_SECONDS });
  readonly #byAddress = new RateLimiterMemory({ points: ADDRESS_TRIES_MAX, duration: WINDOW_SECONDS });

  /**
   * Takes one try, before the password is looked at: a hundred requests at the same time are a hundred tries.
   * @returns how long to wait, and whether this is the try that began the waiting; `undefined`: go on
   */
  async take(who: {
    readonly name: string;
    readonly address: string;
  }): Promise<{ readonly waitMs: number; readonly first: boolean } | undefined> {
    try {
      await this.#byAddress.consume(who.address);
      await this.#byName.consume(who.name);
      return undefined;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      const limit = refusal.consumedPoints;
      return {
        waitMs: refusal.msBeforeNext,
        first: limit === NAME_TRIES_MAX + 1 || limit === ADDRESS_TRIES_MAX + 1,
      };
    }
  }

  /** The password was right. */
  async giveBack(who: { readonly name: string; readonly address: string }): Promise<void> {
    await this.#byName.delete(who.name);
    await this.#byAddress.reward(who.address);
  }
}
