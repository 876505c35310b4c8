// SPDX-License-Identifier: CC0-1.0
pragma solidity 0.8.30;

// The deposit contract as the consensus specs describe it: an incremental Merkle tree of 2^32 leaves, each the
// hash_tree_root of a DepositData. Written for the lab, where the published one's bytes are not at hand.
contract Deposit {
    event DepositEvent(bytes pubkey, bytes withdrawal_credentials, bytes amount, bytes signature, bytes index);

    uint constant DEPTH = 32;
    bytes32[DEPTH] branch;
    uint count;

    function deposit(bytes calldata pubkey, bytes calldata credentials, bytes calldata signature, bytes32 root) external payable {
        require(pubkey.length == 48 && credentials.length == 32 && signature.length == 96, "length");
        require(msg.value >= 1 ether && msg.value % 1 gwei == 0, "value");
        bytes memory amount = little(uint64(msg.value / 1 gwei));
        emit DepositEvent(pubkey, credentials, amount, signature, little(uint64(count)));

        bytes32 key = sha256(abi.encodePacked(pubkey, bytes16(0)));
        bytes32 sig = pair(sha256(signature[:64]), sha256(abi.encodePacked(signature[64:], bytes32(0))));
        bytes32 node = pair(pair(key, bytes32(credentials)), pair(bytes32(amount), sig));
        require(node == root, "root");

        uint size = ++count;
        for (uint height = 0; ; height++) {
            if (size & 1 == 1) {
                branch[height] = node;
                return;
            }
            node = pair(branch[height], node);
            size >>= 1;
        }
    }

    function get_deposit_count() external view returns (bytes memory) {
        return little(uint64(count));
    }

    function get_deposit_root() external view returns (bytes32) {
        bytes32 node;
        bytes32 zero;
        uint size = count;
        for (uint height = 0; height < DEPTH; height++) {
            node = size & 1 == 1 ? pair(branch[height], node) : pair(node, zero);
            zero = pair(zero, zero);
            size >>= 1;
        }
        return pair(node, bytes32(little(uint64(count))));
    }

    function pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return sha256(abi.encodePacked(a, b));
    }

    function little(uint64 n) private pure returns (bytes memory out) {
        out = new bytes(8);
        for (uint i = 0; i < 8; i++) out[i] = bytes1(uint8(n >> (8 * i)));
    }
}
