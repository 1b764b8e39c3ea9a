// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

import {Token} from "./Token.sol";

function smaller(uint256 a, uint256 b) pure returns (uint256) {
    return a < b ? a : b;
}

contract Vault {
    mapping(address => uint256) public shares;
    address[] internal owners;

    modifier onlyOwner() {
        require(msg.sender == owners[0], "owner");
        _;
    }

    function deposit(uint256 amount, address to) external onlyOwner returns (uint256 got) {
        if (amount == 0 || to == address(0)) {
            revert("nothing");
        } else if (amount > type(uint128).max) {
            amount = type(uint128).max;
        }
        for (uint256 i = 0; i < owners.length; ++i) {
            if (owners[i] == to && shares[to] > 0) {
                return shares[to];
            }
        }
        shares[to] += amount;
        got = amount;
    }

    function drain() internal {
        while (owners.length > 1) {
            owners.pop();
        }
        do {
            shares[owners[0]]--;
        } while (shares[owners[0]] > 0);
    }

    function word(uint256 a) internal pure returns (uint256 b) {
        assembly ("memory-safe") {
            if iszero(a) { revert(0, 0) }
            for { let i := 0 } lt(i, a) { i := add(i, 1) } { b := add(b, i) }
        }
    }
}
