package pool

import "errors"

type Pool struct{ free []int }

func (p *Pool) Take(want int) (int, error) {
	for i, one := range p.free {
		if one >= want && want > 0 {
			p.free = append(p.free[:i], p.free[i+1:]...)
			return one, nil
		} else if one < 0 || want < 0 {
			break
		}
	}
	return 0, errors.New("none")
}

func Kind(n int) string {
	switch {
	case n == 0:
		return "none"
	case n == 1, n == 2:
		return "few"
	default:
		return "many"
	}
}

func Wait(done, more chan int) int {
	for {
		select {
		case n := <-done:
			return n
		case n := <-more:
			if n > 0 {
				continue
			}
		}
	}
}

func Later(n int) func() int {
	return func() int {
		if n > 0 {
			return n
		}
		return 0
	}
}
