// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.28;

// Stakes is the smallest registry that pars-evm can read: the mapping stands at slot 0.
contract Stakes {
    mapping(address => uint256) public stakeOf;

    function stake() external payable {
        stakeOf[msg.sender] += msg.value;
    }

    function withdraw(uint256 wei_) external {
        stakeOf[msg.sender] -= wei_;
        payable(msg.sender).transfer(wei_);
    }
}
