package dag

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x

// x
