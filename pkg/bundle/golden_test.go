package bundle

// golden is form, bytes, body id and SHA-256 of one input in each form.
const golden = `sealed 20480 3554bb7b40d97df5 4dad0372ae6a345e3accedd07655ef7574c7bc02dd7fd335f7d146e10c6f00f6
compact 3409 3554bb7b40d97df5 aa85400b68c097c5a899565d18995f6ac038931b9ae9dea680974ad5666e8769
open 20480 89ad9c38c48fc3f7 a0d04d9e9f67f9a46249ff057917f3eb395848e24b7501045844816bb4473f00
`
