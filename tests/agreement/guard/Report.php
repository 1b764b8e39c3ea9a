<?php

namespace App;

class Report
{
    public function lines(array $rows, $most = 10)
    {
        $lines = [];
        foreach ($rows as $row) {
            if (empty($row) || count($lines) >= $most) {
                continue;
            } elseif ($row['kind'] === 'head' && $row['text']) {
                $lines[] = strtoupper($row['text']);
            } else {
                $lines[] = $row['text'] ?? '';
            }
        }
        return count($lines) > 0 ? $lines : null;
    }

    public function kind($code)
    {
        switch ($code) {
            case 1:
            case 2:
                return 'small';
            case 3:
                return 'large';
            default:
                return 'none';
        }
    }

    public function read($file)
    {
        for ($i = 0; $i < 3; $i++) {
            try {
                return $file->read();
            } catch (\RuntimeException $reason) {
                while ($file->busy()) {
                    $file->wait();
                }
            }
        }
    }
}
