import { type Freeze, type FreezeLevel, levelOfSwitches, whyPaysNothing } from "../../rules/freeze.ts";
import type { Control as ControlModel } from "../../generated/prisma/client.ts";
import type { PaymentsSwitch } from "../ledger.ts";

export type FreezeColumns = Pick<
  ControlModel,
  | "paymentsOn"
  | "paymentsReason"
  | "acceptingOn"
  | "acceptingReason"
  | "managerFreeze"
  | "managerFreezeReason"
>;

/** What the control row says: the operators' two switches, and a manager's memo. */
export function toFreezes(row: FreezeColumns): readonly Freeze[] {
  const level = levelOfSwitches({ pays: row.paymentsOn, accepts: row.acceptingOn });
  const reasons = [
    ...(row.paymentsOn ? [] : [row.paymentsReason ?? ""]),
    ...(row.acceptingOn ? [] : [row.acceptingReason ?? ""]),
  ];
  const operator: readonly Freeze[] =
    level === undefined
      ? []
      : [{ source: "operator", level, reason: [...new Set(reasons)].join("; nominations: ") }];
  return row.managerFreeze === null
    ? operator
    : [
        ...operator,
        {
          source: "manager",
          level: row.managerFreeze as FreezeLevel,
          reason: row.managerFreezeReason ?? "",
        },
      ];
}

/** Whether payments go, as far as these are asked. */
export const toSwitch = (freezes: readonly Freeze[]): PaymentsSwitch => {
  const reason = whyPaysNothing(freezes);
  return reason === undefined ? { on: true } : { on: false, reason };
};
