/**
 * The same port; every call goes through `through`: of its methods, and of the methods of its parts
 * (`ledger.payouts.find`). `name` is the path of the method from the port on: `payouts.find`.
 */
export function eachCall<P extends object>(
  port: P,
  through: (name: string, call: () => Promise<unknown>) => Promise<unknown>,
  path = "",
): P {
  return new Proxy(port, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key, target);
      const name = `${path}${String(key)}`;
      if (typeof member === "function")
        return (...args: unknown[]) =>
          through(name, () => Reflect.apply(member, target, args) as Promise<unknown>);
      return typeof member === "object" && member !== null ? eachCall(member, through, `${name}.`) : member;
    },
  });
}
