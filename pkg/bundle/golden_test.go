package bundle

// golden is form, bytes, body id and SHA-256 of one input in each form.
const golden = `sealed 24576 3554bb7b40d97df5 bded3858b2e2ecef43dc5aadba582b8d72a3d7425877f8bf688d55d6de335fba
compact 3409 3554bb7b40d97df5 31acd299e945ee59c0058079eea17506ad9cf7f653f2544548f1e56404001b6d
open 20480 89ad9c38c48fc3f7 ce41ff0758301db6530a5193eb84aca7bb52c3ce91364c94b0ba8393d5b6c776
`
