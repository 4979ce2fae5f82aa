import { TOP_UP_STATUSES } from "../rules/top-up.ts";

/** Requests for funds whose money has not arrived; it may still arrive, in every status of the request. */
export const UNARRIVED = TOP_UP_STATUSES.filter((status) => status !== "arrived");

/** Those that are looked through when money arrives: the newest ones. */
export const EXPECTED_MAX = 1_000;
