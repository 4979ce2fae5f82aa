import { StartupError } from "@stakebts/kernel/errors";
import type { AccountId } from "@stakebts/bitshares/chain";
import type { Custodian } from "./find-custodian.ts";
import type { Control, LedgerAccount } from "./ledger.ts";

type Found = Pick<Custodian, "chainId"> & { readonly account: Pick<Custodian["account"], "id" | "name"> };

export const ledgerAccountOf = ({ account: { id, name }, chainId }: Found): LedgerAccount => ({
  chainId,
  custodianId: id,
  custodianName: name,
});

/**
 * Binds a new ledger to this custodian, for good. A ledger of another account, or of an account on another chain, is refused:
 * a payer that paid its debts from this account would find none of its payments there, and would pay each of them again.
 * Throws StartupError.
 */
export async function bindLedger(control: Pick<Control, "bind">, custodian: Found): Promise<LedgerAccount> {
  const wanted = ledgerAccountOf(custodian);
  needAccount(await control.bind(wanted), wanted);
  return wanted;
}

/**
 * Throws StartupError, with both accounts in it.
 * @param bound `undefined`: the ledger is new, and of no account yet
 */
export function needAccount(bound: LedgerAccount | undefined, wanted: LedgerAccount): void {
  if (bound === undefined) return;
  if (bound.chainId !== wanted.chainId || bound.custodianId !== wanted.custodianId)
    throw anotherAccount(bound, `${inWords(wanted)}`);
}

/**
 * The same for who knows no more than the settings, because it asks no node: names never change.
 * Throws StartupError.
 */
export function needAccountNamed(
  bound: LedgerAccount | undefined,
  wanted: { readonly name: string; readonly chainId: string | undefined },
): void {
  if (bound === undefined) return;
  if (bound.custodianName !== wanted.name || (wanted.chainId ?? bound.chainId) !== bound.chainId)
    throw anotherAccount(
      bound,
      wanted.chainId === undefined ? wanted.name : `${wanted.name} on the chain ${wanted.chainId}`,
    );
}

/** The same for who has looked at the chain already and sees the ledger again. Throws StartupError. */
export function needCustodian(
  bound: LedgerAccount | undefined,
  { id, name }: { readonly id: AccountId; readonly name: string },
): void {
  if (bound !== undefined && bound.custodianId !== id) throw anotherAccount(bound, `${name} (${id})`);
}

const inWords = ({ custodianName, custodianId, chainId }: LedgerAccount): string =>
  `${custodianName} (${custodianId}) on the chain ${chainId}`;

const anotherAccount = (bound: LedgerAccount, wanted: string): StartupError =>
  new StartupError(
    `STAKEBTS_CUSTODIAN: this ledger is of ${inWords(bound)}, and the settings name ${wanted}: correct STAKEBTS_CUSTODIAN and STAKEBTS_NODES, or DATABASE_URL; each account has a ledger of its own`,
  );
