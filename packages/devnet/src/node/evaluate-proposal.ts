import { authorizes } from "./authority.ts";
import type { ChainState, Proposal } from "./chain-state.ts";
import { checkFee, evaluating, NOTHING, payFee } from "./evaluation.ts";
import { assertion, at, NodeError } from "./node-error.ts";
import type { Operation, PROPOSAL_CREATE, PROPOSAL_UPDATE } from "./operations.ts";
import type { OperationResult } from "./transaction.ts";

/**
 * Proposals: operations that others approve, and that the chain then carries out in no transaction. Operations 22 and 23; a proposal is
 * only taken back by its expiration here.
 */

type Of<Tag> = Extract<Operation, { readonly tag: Tag }>;
type Apply = (state: ChainState, operation: Operation) => OperationResult;

export function createProposal(state: ChainState, operation: Of<typeof PROPOSAL_CREATE>): OperationResult {
  const { fee, fee_paying_account: proposer, expiration_time: expiration, ...what } = operation.value;
  checkFee(state, operation, proposer, fee);
  const place = at("proposal_evaluator.cpp", 250, "do_evaluate");
  evaluating(state, operation, place, () => {
    if (expiration <= state.dynamic.headTime)
      throw assertion("o.expiration_time > block_time", place, {
        text: "Proposal has already expired on creation.",
      });
  });
  const id = state.takeInstance("1.10");
  state.proposals.set(id, {
    id,
    operations: what.proposed_ops,
    expiration,
    hasReview: what.review_period_seconds !== undefined,
    active: [],
    owner: [],
    keys: [],
  });
  payFee(state, proposer, fee);
  return [1, `1.10.${id}`];
}

/** Carried out at once when these approvals are enough; a proposal with a review period only when it expires. */
export function updateProposal(
  state: ChainState,
  operation: Of<typeof PROPOSAL_UPDATE>,
  apply: Apply,
): OperationResult {
  const { value } = operation;
  checkFee(state, operation, value.fee_paying_account, value.fee);
  const before = state.getProposal(value.proposal);
  const changed = <T>(has: readonly T[], adds: readonly T[], removes: readonly T[]): readonly T[] => [
    ...new Set([...has, ...adds].filter((one) => !removes.includes(one))),
  ];
  const proposal: Proposal = {
    ...before,
    active: changed(before.active, value.active_approvals_to_add, value.active_approvals_to_remove),
    owner: changed(before.owner, value.owner_approvals_to_add, value.owner_approvals_to_remove),
    keys: changed(before.keys, value.key_approvals_to_add, value.key_approvals_to_remove),
  };
  state.proposals.set(proposal.id, proposal);
  payFee(state, value.fee_paying_account, value.fee);
  if (!proposal.hasReview && authorizes(state, proposal.operations, proposal))
    carryOut(state, proposal, apply);
  return NOTHING;
}

/** Those that expire with the new head: carried out if they were approved, and gone in any case. */
export function expireProposals(state: ChainState, apply: Apply): void {
  for (const proposal of state.proposals.values()) {
    if (proposal.expiration > state.dynamic.headTime) continue;
    if (authorizes(state, proposal.operations, proposal)) carryOut(state, proposal, apply);
    state.proposals.delete(proposal.id);
  }
}

/** All of it or nothing. What cannot be done leaves the proposal as it is. */
function carryOut(state: ChainState, proposal: Proposal, apply: Apply): void {
  const { log, carriedOut } = state;
  const before = carriedOut.length;
  log.begin();
  try {
    for (const operation of proposal.operations)
      carriedOut.push({ operation, result: apply(state, operation), opInTrx: state.evaluating });
    state.proposals.delete(proposal.id);
    log.merge();
  } catch (error) {
    log.undo();
    carriedOut.length = before;
    if (!(error instanceof NodeError)) throw error;
  }
}
