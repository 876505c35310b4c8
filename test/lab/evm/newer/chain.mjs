// The beacon chain of the lab: interop validators who sign all there is to sign, over Lodestar's state transition, which
// checks every signature, and over payloads that geth builds. One block a slot, none missed.
import { createHash } from "node:crypto";
import { Tree, toGindex } from "@chainsafe/persistent-merkle-tree";
import { aggregateSignatures, Signature } from "@chainsafe/blst";
import { createBeaconConfig, createChainForkConfig } from "@lodestar/config";
import { DOMAIN_BEACON_ATTESTER, DOMAIN_BEACON_PROPOSER, DOMAIN_DEPOSIT, DOMAIN_RANDAO, DOMAIN_SYNC_COMMITTEE } from "@lodestar/params";
import * as st from "@lodestar/state-transition";
import { ssz } from "@lodestar/types";

export const PER_EPOCH = 8, PER_PERIOD = 64; // slots of the minimal preset
export const bytes = (hex) => new Uint8Array(Buffer.from(hex.slice(2), "hex"));
export const hex = (b) => "0x" + Buffer.from(b).toString("hex");
const sign = (key, root) => key.sign(root).toBytes();
const together = (sigs) => aggregateSignatures(sigs.map((s) => Signature.fromBytes(s))).toBytes();

export class Chain {
  constructor({ engine, genesisHash, genesisTime, slotSeconds, forks, validators = 64 }) {
    this.engine = engine;
    this.keys = st.interopSecretKeys(validators);
    const epochs = Object.fromEntries(["ALTAIR", "BELLATRIX", "CAPELLA", "DENEB"].map((f) => [`${f}_FORK_EPOCH`, 0]));
    const config = createChainForkConfig({
      ...epochs, ELECTRA_FORK_EPOCH: forks.electra, FULU_FORK_EPOCH: forks.fulu, SECONDS_PER_SLOT: slotSeconds,
      TERMINAL_TOTAL_DIFFICULTY: 0n, MIN_GENESIS_ACTIVE_VALIDATOR_COUNT: validators,
    });
    const cache = st.createEmptyEpochCacheImmutableData(config, { genesisValidatorsRoot: new Uint8Array(32) });
    const payload = ssz.deneb.ExecutionPayloadHeader.defaultViewDU();
    payload.blockHash = genesisHash;
    const state = st.initializeBeaconStateFromEth1(config, cache, genesisHash, 0, this.deposits(config), undefined, payload);
    state.genesisTime = genesisTime;
    this.config = createBeaconConfig(config, state.genesisValidatorsRoot);
    this.state = st.createCachedBeaconState(state, { ...cache, config: this.config }, { skipSyncCommitteeCache: false });
    this.state.hashTreeRoot();
    this.genesisRoot = state.genesisValidatorsRoot;
    this.blocks = new Map(); // root in hex -> {block, state after it}
    this.bySlot = new Map();
    this.updates = new Map(); // signature slot -> light-client update
    this.head = null;
    this.parentHash = genesisHash;
  }

  deposits(config) {
    const roots = ssz.phase0.DepositDataRootList.defaultViewDU();
    const domain = st.computeDomain(DOMAIN_DEPOSIT, config.GENESIS_FORK_VERSION, st.ZERO_HASH);
    return this.keys.map((key, i) => {
      const pubkey = key.toPublicKey().toBytes();
      const withdrawalCredentials = new Uint8Array(createHash("sha256").update(pubkey).digest());
      withdrawalCredentials[0] = 0;
      const data = { pubkey, withdrawalCredentials, amount: 32e9, signature: new Uint8Array(96) };
      data.signature = sign(key, st.computeSigningRoot(ssz.phase0.DepositMessage, data, domain));
      roots.push(ssz.phase0.DepositData.hashTreeRoot(data));
      roots.commit();
      return { proof: new Tree(roots.node).getSingleProof(toGindex(roots.type.depth, BigInt(i))), data };
    });
  }

  types(slot) { return ssz[this.config.getForkName(slot)]; }

  // attestations are all votes for the block of the slot before, which head is.
  attestations(state, slot) {
    const ctx = state.epochCtx, epoch = st.computeEpochAtSlot(slot), now = st.computeEpochAtSlot(state.slot);
    const start = epoch * PER_EPOCH;
    const target = { epoch, root: st.getBlockRootAtSlot(state, start) };
    const source = (epoch === now ? state.currentJustifiedCheckpoint : state.previousJustifiedCheckpoint).toValue();
    const beaconBlockRoot = st.getBlockRootAtSlot(state, slot);
    const count = ctx.getCommitteeCountPerSlot(epoch);
    const domain = this.config.getDomain(state.slot, DOMAIN_BEACON_ATTESTER, slot);
    const electra = this.config.getForkSeq(state.slot) >= this.config.forks.electra.seq;
    const of = (index) => {
      const members = [...ctx.getBeaconCommittee(slot, index)];
      const data = { slot, index: electra ? 0 : index, beaconBlockRoot, source, target };
      const root = st.computeSigningRoot(ssz.phase0.AttestationData, data, domain);
      return { data, members, signature: together(members.map((v) => sign(this.keys[v], root))) };
    };
    const all = Array.from({ length: count }, (_, i) => of(i));
    const bits = (type, n) => type.fromJson(type.toJson(type.defaultValue().constructor.fromBoolArray(Array(n).fill(true))));
    if (!electra) {
      return all.map((a) => ({ aggregationBits: bits(ssz.phase0.CommitteeBits, a.members.length), data: a.data, signature: a.signature }));
    }
    const committees = Array.from({ length: 4 }, (_, i) => i < count);
    return [{
      aggregationBits: bits(ssz.electra.AggregationBits ?? ssz.electra.Attestation.fields.aggregationBits, all.reduce((n, a) => n + a.members.length, 0)),
      data: all[0].data, signature: together(all.map((a) => a.signature)),
      committeeBits: ssz.electra.Attestation.fields.committeeBits.defaultValue().constructor.fromBoolArray(committees),
    }];
  }

  // syncAggregate is the committee's signature over the block before slot; fork names another domain than the right one.
  syncAggregate(state, slot, fork) {
    const root = st.getBlockRootAtSlot(state, slot - 1);
    const domain = fork ? this.config.getDomainAtFork(fork, DOMAIN_SYNC_COMMITTEE) : this.config.getDomain(slot, DOMAIN_SYNC_COMMITTEE, slot - 1);
    const signing = st.computeSigningRoot(ssz.Root, root, domain);
    const members = [...state.epochCtx.currentSyncCommitteeIndexed.validatorIndices];
    const bits = ssz.altair.SyncCommitteeBits.defaultValue().constructor.fromBoolArray(members.map(() => true));
    return { syncCommitteeBits: bits, syncCommitteeSignature: together(members.map((v) => sign(this.keys[v], signing))) };
  }

  // next makes the block of the next slot.
  async next() {
    const slot = this.state.slot + 1, epoch = st.computeEpochAtSlot(slot), fork = this.config.getForkName(slot);
    const state = st.processSlots(this.state, slot);
    const parent = st.getBlockRootAtSlot(state, slot - 1);
    const proposer = state.epochCtx.getBeaconProposer(slot), key = this.keys[proposer];
    const finalHash = this.blocks.get(hex(state.finalizedCheckpoint.root))?.block.body.executionPayload.blockHash ?? new Uint8Array(32);
    const { withdrawals } = st.getExpectedWithdrawals(this.config.getForkSeq(slot), state);
    const built = await this.engine.build(fork, this.parentHash, finalHash, {
      timestamp: "0x" + (state.genesisTime + slot * this.config.SECONDS_PER_SLOT).toString(16), prevRandao: hex(st.getRandaoMix(state, epoch)),
      suggestedFeeRecipient: "0x71562b71999873DB5b286dF957af199Ec94617F7", parentBeaconBlockRoot: hex(parent),
      withdrawals: withdrawals.map((w) => ({ index: "0x" + w.index.toString(16), validatorIndex: "0x" + w.validatorIndex.toString(16), address: hex(w.address), amount: "0x" + w.amount.toString(16) })),
    });
    const body = this.types(slot).BeaconBlockBody.defaultValue();
    body.randaoReveal = sign(key, st.computeSigningRoot(ssz.Epoch, epoch, this.config.getDomain(slot, DOMAIN_RANDAO)));
    body.eth1Data = state.eth1Data.toValue();
    body.attestations = this.head ? this.attestations(state, slot - 1) : [];
    body.syncAggregate = this.syncAggregate(state, slot);
    body.executionPayload = built.payload;
    if (built.requests) body.executionRequests = built.requests;
    const block = { slot, proposerIndex: proposer, parentRoot: parent, stateRoot: new Uint8Array(32), body };
    const types = this.types(slot);
    const trial = st.stateTransition(this.state, { message: block, signature: new Uint8Array(96) }, {
      executionPayloadStatus: "valid", dataAvailabilityStatus: "Available", verifyStateRoot: false, verifyProposer: false, verifySignatures: true,
    });
    block.stateRoot = trial.hashTreeRoot();
    const signature = sign(key, st.computeSigningRoot(types.BeaconBlock, block, this.config.getDomain(slot, DOMAIN_BEACON_PROPOSER)));
    const root = types.BeaconBlock.hashTreeRoot(block);
    await this.engine.adopt(fork, built, parent, finalHash);
    const before = this.head;
    this.parentHash = built.payload.blockHash;
    this.state = trial;
    this.head = { root, block, signature, state: trial };
    this.blocks.set(hex(root), this.head);
    this.bySlot.set(slot, this.head);
    if (before) this.updates.set(slot, this.update(before, body.syncAggregate, slot, this.twin(state, slot)));
  }

  // twin is the signature of a liar: by the other of the two forks that a boundary is between.
  twin(state, slot) {
    const here = this.config.getForkName(slot), before = this.config.getForkName(slot - 1);
    return here === before ? null : this.syncAggregate(state, slot, here);
  }

  header(at) {
    const { block } = at, types = this.types(block.slot);
    const body = types.BeaconBlockBody.toView(block.body);
    return {
      beacon: st.blockToHeader(this.config, block),
      execution: st.executionPayloadToPayloadHeader(this.config.getForkSeq(block.slot), block.body.executionPayload),
      executionBranch: new Tree(body.node).getSingleProof(25n),
    };
  }

  // gindices of the finalized root, the present and the next committee.
  places(slot) { return this.config.getForkSeq(slot) >= this.config.forks.electra.seq ? [169n, 86n, 87n] : [105n, 54n, 55n]; }

  update(attested, syncAggregate, signatureSlot, twin) {
    const { state } = attested, slot = attested.block.slot, [final, , next] = this.places(slot), tree = new Tree(state.node);
    const finalized = this.blocks.get(hex(state.finalizedCheckpoint.root));
    return {
      slot, twin, fork: this.config.getForkName(slot), finalizedSlot: finalized?.block.slot ?? -1,
      data: finalized && {
        attestedHeader: this.header(attested), nextSyncCommittee: state.nextSyncCommittee.toValue(), nextSyncCommitteeBranch: tree.getSingleProof(next),
        finalizedHeader: this.header(finalized), finalityBranch: tree.getSingleProof(final), syncAggregate, signatureSlot,
      },
      optimistic: { attestedHeader: this.header(attested), syncAggregate, signatureSlot },
    };
  }

  bootstrap(at) {
    const [, now] = this.places(at.block.slot);
    return { header: this.header(at), currentSyncCommittee: at.state.currentSyncCommittee.toValue(), currentSyncCommitteeBranch: new Tree(at.state.node).getSingleProof(now) };
  }
}
