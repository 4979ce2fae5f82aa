/** One call that has ended. `answer` is undefined when it threw. */
export interface Call {
  readonly args: readonly unknown[];
  readonly elapsedSeconds: number;
  readonly answer: unknown;
}

/** The same port; each call of the methods named is told of when it has ended, in whatever way. */
export function watched<P extends object>(
  port: P,
  tell: Readonly<Partial<Record<keyof P, (call: Call) => void>>>,
): P {
  const told = new Map<string | symbol, (...args: unknown[]) => unknown>();
  for (const name of Object.keys(tell) as (keyof P & string)[]) {
    const method = port[name] as (...args: unknown[]) => unknown;
    const hear = tell[name] as (call: Call) => void;
    told.set(name, (...args) => {
      const startMs = performance.now();
      const end = (answer: unknown) =>
        hear({ args, elapsedSeconds: (performance.now() - startMs) / 1000, answer });
      const result = Reflect.apply(method, port, args);
      if (!(result instanceof Promise)) {
        end(result);
        return result;
      }
      return result.then(
        (answer: unknown) => {
          end(answer);
          return answer;
        },
        (error: unknown) => {
          end(undefined);
          throw error;
        },
      );
    });
  }
  return new Proxy(port, {
    get(target, name) {
      const method = told.get(name);
      if (method !== undefined) return method;
      const member: unknown = Reflect.get(target, name, target);
      // Bound to what it belongs to: private fields know no proxy.
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}
