/** One call that has ended. `answer` is undefined when it threw. */
export interface Call {
  readonly args: readonly unknown[];
  readonly elapsedSeconds: number;
  readonly answer: unknown;
}

type Method = (...args: unknown[]) => unknown;

/** By the name of a method: what is told of each call. By the name of a part of the port: the same for its methods. */
export type Listeners<P> = {
  readonly [Name in keyof P]?: P[Name] extends (...args: never[]) => unknown
    ? (call: Call) => void
    : Listeners<P[Name]>;
};

/** The same port; each call of the methods named is told of when it has ended, well or badly. */
export function watched<P extends object>(port: P, listeners: Listeners<P>): P {
  const told = new Map<string | symbol, unknown>();
  for (const [name, listener] of Object.entries(listeners)) {
    const member = port[name as keyof P];
    told.set(
      name,
      typeof listener === "function"
        ? telling(port, member as Method, listener as (call: Call) => void)
        : watched(member as object, listener as Listeners<object>),
    );
  }
  return new Proxy(port, {
    get(target, name) {
      if (told.has(name)) return told.get(name);
      const member: unknown = Reflect.get(target, name, target);
      // Bound to its object: private fields do not work through a proxy.
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}

const telling =
  (port: object, method: Method, listener: (call: Call) => void): Method =>
  (...args) => {
    const startMs = performance.now();
    const end = (answer: unknown) =>
      listener({ args, elapsedSeconds: (performance.now() - startMs) / 1000, answer });
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
  };
